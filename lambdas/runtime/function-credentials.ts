import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Stands in for the SDK's chain of credential providers where a function is packaged: Lambda tells a function its
 * credentials by environment variables (Lambda Developer Guide, "Defined runtime environment variables"). The rest of the
 * chain, with files, SSO and EC2, is a seventh of ingest's package: 6 ms of every cold start.
 */
export const defaultProvider = fromEnv;
