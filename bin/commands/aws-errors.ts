import { isThrottlingError } from '@smithy/core/retry';

/** What went wrong, in words of the operator. */
export interface AwsErrorDescription {
  /**
   * `no-credentials`: none, no region, or keys that AWS does not know. `not-found`: what was asked for does
   * not exist. `unreachable`: the request got no answer.
   */
  readonly kind:
    | 'no-credentials'
    | 'expired-credentials'
    | 'access-denied'
    | 'unreachable'
    | 'throttled'
    | 'not-found'
    | 'other';
  /** One or two plain sentences: what is wrong, and what to do. */
  readonly sentence: string;
  /** The action that is not allowed, such as `iam:GetRole`, if AWS names it. */
  readonly action?: string;
}

/** Explains an error of the AWS SDK. An error of anything else is `other`, with its own message. */
export const describeAwsError = (error: unknown): AwsErrorDescription => {
  if (!(error instanceof Error)) return { kind: 'other', sentence: asSentence(String(error)) };
  for (const describe of descriptions) {
    const description = describe(factsOf(error));
    if (description !== undefined) return description;
  }
  const { name, message, status } = factsOf(error);
  if (message === 'UnknownError') {
    return { kind: 'other', sentence: `AWS answered with status ${status}, and not why.` };
  }
  return { kind: 'other', sentence: asSentence(message === '' ? name : `${name}: ${message}`) };
};

interface Facts {
  readonly name: string;
  readonly message: string;
  /** Of Node.js, such as ENOTFOUND; empty if there is none. */
  readonly code: string;
  /** Of the reply; undefined if there was none. */
  readonly status: number | undefined;
  /** The host that was not found or not reached, if Node.js names it. */
  readonly host: string | undefined;
}

const factsOf = (error: Error): Facts => ({
  name: error.name,
  message: error.message,
  code: textOf(error, 'code') ?? '',
  status: statusOf(error),
  host: textOf(error, 'hostname') ?? textOf(error, 'address'),
});

const textOf = (error: object, key: string): string | undefined => {
  const value: unknown = Reflect.get(error, key);
  return typeof value === 'string' ? value : undefined;
};

const statusOf = (error: object): number | undefined => {
  const metadata: unknown = Reflect.get(error, '$metadata');
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const status: unknown = Reflect.get(metadata, 'httpStatusCode');
  return typeof status === 'number' ? status : undefined;
};

/** On one line, with one full stop. */
const asSentence = (text: string): string => `${text.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '')}.`;

type Describe = (facts: Facts) => AwsErrorDescription | undefined;

const howToSignIn =
  'Set AWS_PROFILE, or AWS_REGION with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as for the AWS CLI.';

const missingRegion: Describe = ({ message }) =>
  /^(?:Region is missing|Invalid region in client config)/.test(message)
    ? { kind: 'no-credentials', sentence: `No AWS region is set. ${howToSignIn}` }
    : undefined;

/** Names of services differ (Common Error Types of IAM, STS, EC2 and S3). */
const expiredNames = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'];

/** How the SDK says that a session of `aws sso login` or `aws login` is over. */
const sessionOver = /has expired|is expired|re-?authenticate|aws sso login|this profile is invalid/i;

const expired: Describe = ({ name, message }) => {
  const isOver = /ProviderError$/.test(name) && sessionOver.test(message);
  if (!isOver && !expiredNames.includes(name)) return undefined;
  return {
    kind: 'expired-credentials',
    sentence:
      'The AWS credentials have expired. Sign in again, for example with "aws sso login" or "aws login".',
  };
};

const noCredentials: Describe = ({ name, message }) => {
  if (!/ProviderError$/.test(name)) return undefined;
  const reason = /from any providers/.test(message)
    ? 'There are no AWS credentials.'
    : `The AWS credentials cannot be loaded: ${asSentence(message)}`;
  return { kind: 'no-credentials', sentence: `${reason} ${howToSignIn}` };
};

const unknownKeyNames = [
  'AuthFailure',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidToken',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'UnrecognizedClientException',
];

const unknownKeys: Describe = ({ name }) =>
  unknownKeyNames.includes(name)
    ? {
        kind: 'no-credentials',
        // The same answer for both (AWS STS, "Activating and deactivating AWS STS in an AWS Region").
        sentence:
          'AWS does not know these credentials: the access key was deleted or mistyped, or the account has not enabled this region.',
      }
    : undefined;

const wrongSignatureNames = [
  'IncompleteSignature',
  'InvalidSignatureException',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
];

const wrongSignature: Describe = ({ name }) =>
  wrongSignatureNames.includes(name)
    ? {
        kind: 'no-credentials',
        sentence:
          'AWS refused the signature: the secret access key is wrong, or the clock of this machine is more than five minutes off.',
      }
    : undefined;

const notActivatedNames = ['OptInRequired', 'SubscriptionRequiredException', 'NotSignedUp'];

const notActivated: Describe = ({ name, message }) =>
  notActivatedNames.includes(name)
    ? { kind: 'other', sentence: `The account is not yet activated for this service: ${asSentence(message)}` }
    : undefined;

/** A HEAD request has no body, so its error has only a status. */
const deniedName = /^(?:AccessDenied|Unauthorized|Authorization|NotAuthorized|Forbidden|403)/;

const denied: Describe = ({ name, message, status }) => {
  if (!deniedName.test(name) && status !== 403) return undefined;
  const [, action] = /not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9*]+)/.exec(message) ?? [];
  const [, policy] = /explicit deny in an? ((?:[a-z]{1,20}[ -]){1,4}policy)/.exec(message) ?? [];
  const because = policy === undefined ? '' : ` (a ${policy} denies it)`;
  return action === undefined
    ? { kind: 'access-denied', sentence: `Not allowed: ${asSentence(message || name)}` }
    : { kind: 'access-denied', sentence: `These credentials may not use ${action}${because}.`, action };
};

const throttled: Describe = ({ name, message, status }) =>
  isThrottlingError({ name, message, $metadata: { httpStatusCode: status } })
    ? { kind: 'throttled', sentence: 'AWS refused the request because there were too many. Try again later.' }
    : undefined;

const notFoundName =
  /^(?:NoSuch|NotFound|404$)|NotFound(?:Exception|Error)?$|DoesNotExist$|NonExistentQueue$/;

const notFound: Describe = ({ name, message, status }) =>
  notFoundName.test(name) ||
  status === 404 ||
  // CloudFormation's name for every mistake in a request.
  (name === 'ValidationError' && /does not exist$/.test(message))
    ? { kind: 'not-found', sentence: asSentence(message || 'It does not exist') }
    : undefined;

const unknownHostCodes = ['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME'];
const noAnswerCodes = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
];
const untrustedCodes = [
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

const unreachable: Describe = ({ name, code, message, host }) => {
  const where = host === undefined ? 'AWS' : `AWS at ${host}`;
  if (unknownHostCodes.includes(code)) {
    return {
      kind: 'unreachable',
      sentence: `There is no ${host ?? 'such host'}. Check the name of the region, and the network.`,
    };
  }
  if (untrustedCodes.includes(code)) {
    return {
      kind: 'unreachable',
      sentence: `The certificate of ${where} is not trusted (${code}). If a proxy replaces it, set NODE_EXTRA_CA_CERTS.`,
    };
  }
  if (noAnswerCodes.includes(code) || name === 'TimeoutError') {
    const reason = code === '' ? message || name : code;
    return {
      kind: 'unreachable',
      sentence: `${where} does not answer (${reason}). Check the network and its proxy.`,
    };
  }
  return undefined;
};

/** The first that applies explains the error: a reply of 403 has several causes. */
const descriptions: readonly Describe[] = [
  missingRegion,
  expired,
  noCredentials,
  unknownKeys,
  wrongSignature,
  notActivated,
  throttled,
  denied,
  notFound,
  unreachable,
];
