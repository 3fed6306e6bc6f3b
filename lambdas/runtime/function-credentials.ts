import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Replaces the SDK's chain of credential providers in packaged functions. Lambda passes credentials in
 * environment variables (Lambda Developer Guide, "Defined runtime environment variables"). The rest of the
 * chain, with files, SSO and EC2, would be a seventh of ingest's package.
 */
export const defaultProvider = fromEnv;
