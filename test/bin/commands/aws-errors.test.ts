import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { GetEmailIdentityCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { CredentialsProviderError } from '@smithy/core/config';
import { describeAwsError } from '../../../bin/commands/aws-errors.ts';

/** Answers as AWS does. */
let server: Server;
let answer: { readonly status: number; readonly headers?: Record<string, string>; readonly body: string };

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(answer.status, answer.headers).end(answer.body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});

afterAll(() => {
  server.close();
});

const endpoint = (): string => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return `http://127.0.0.1:${address.port}`;
};

const client = () => ({
  endpoint: endpoint(),
  region: 'us-east-2',
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  maxAttempts: 1,
});

const errorOf = async (request: Promise<unknown>): Promise<unknown> => {
  try {
    await request;
  } catch (error) {
    return error;
  }
  throw new Error('The request succeeded.');
};

const refusal = (status: number, code: string, message: string) => ({
  status,
  body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
});

const askSts = () => errorOf(new STSClient(client()).send(new GetCallerIdentityCommand()));

test.each([
  ['ExpiredToken', 403, 'The security token included in the request is expired', 'expired-credentials'],
  ['InvalidClientTokenId', 403, 'The security token included in the request is invalid', 'no-credentials'],
  ['SignatureDoesNotMatch', 403, 'The request signature we calculated does not match', 'no-credentials'],
  ['Throttling', 400, 'Rate exceeded', 'throttled'],
  ['OptInRequired', 403, 'The AWS Access Key Id needs a subscription for the service', 'other'],
  ['NoSuchEntity', 404, 'The role cannot be found', 'not-found'],
  ['ValidationError', 400, 'Stack with id Trial does not exist', 'not-found'],
  ['ValidationError', 400, 'Value at name failed to satisfy constraint', 'other'],
  ['InternalFailure', 500, 'Something broke', 'other'],
])('tells %s (%d, "%s") as %s', async (code, status, message, kind) => {
  answer = refusal(status, code, message);
  const described = describeAwsError(await askSts());
  expect(described.kind).toBe(kind);
  expect(described.sentence).toMatch(/^[A-Z].*\.$/);
  expect(described).not.toHaveProperty('action');
});

test('names the action that is not allowed, and the policy that denies it', async () => {
  const message =
    'User: arn:aws:iam::123456789012:user/x is not authorized to perform: sts:GetCallerIdentity on resource: *';
  answer = refusal(403, 'AccessDenied', `${message} because no identity-based policy allows it`);
  expect(describeAwsError(await askSts())).toEqual({
    kind: 'access-denied',
    sentence: 'These credentials may not use sts:GetCallerIdentity.',
    action: 'sts:GetCallerIdentity',
  });
  answer = refusal(403, 'AccessDenied', `${message} with an explicit deny in a service control policy`);
  expect(describeAwsError(await askSts())).toMatchObject({
    kind: 'access-denied',
    sentence: 'These credentials may not use sts:GetCallerIdentity (a service control policy denies it).',
  });
});

test('knows a refusal and a missing resource in JSON, and by their status alone', async () => {
  const ses = new SESv2Client(client());
  const askSes = () => errorOf(ses.send(new GetEmailIdentityCommand({ EmailIdentity: 'me@example.com' })));
  const json = (status: number, code: string, message: string) => ({
    status,
    headers: { 'x-amzn-errortype': code, 'content-type': 'application/json' },
    body: JSON.stringify({ message }),
  });
  answer = json(403, 'AccessDeniedException', 'User: x is not authorized to perform: ses:GetEmailIdentity');
  expect(describeAwsError(await askSes())).toMatchObject({
    kind: 'access-denied',
    action: 'ses:GetEmailIdentity',
  });
  answer = json(404, 'NotFoundException', 'Email identity me@example.com does not exist.');
  expect(describeAwsError(await askSes())).toEqual({
    kind: 'not-found',
    sentence: 'Email identity me@example.com does not exist.',
  });

  const s3 = new S3Client({ ...client(), forcePathStyle: true });
  const askS3 = () => errorOf(s3.send(new HeadBucketCommand({ Bucket: 'bucket' })));
  answer = { status: 403, body: '' };
  expect(describeAwsError(await askS3())).toMatchObject({ kind: 'access-denied' });
  answer = { status: 404, body: '' };
  expect(describeAwsError(await askS3())).toMatchObject({ kind: 'not-found' });
});

test.each([
  [
    'connect ECONNREFUSED 127.0.0.1:443',
    { code: 'ECONNREFUSED', address: '127.0.0.1' },
    'AWS at 127.0.0.1 does not answer (ECONNREFUSED). Check the network and its proxy.',
  ],
  [
    'getaddrinfo ENOTFOUND sts.us-east-9.amazonaws.com',
    { code: 'ENOTFOUND', hostname: 'sts.us-east-9.amazonaws.com' },
    'There is no sts.us-east-9.amazonaws.com. Check the name of the region, and the network.',
  ],
  [
    'self-signed certificate in certificate chain',
    { code: 'SELF_SIGNED_CERT_IN_CHAIN' },
    'The certificate of AWS is not trusted (SELF_SIGNED_CERT_IN_CHAIN). If a proxy replaces it, set NODE_EXTRA_CA_CERTS.',
  ],
])('says why there is no answer: %s', (message, fields, sentence) => {
  // As Node.js throws them; the command's own test has a real one.
  expect(describeAwsError(Object.assign(new Error(message), fields))).toEqual({
    kind: 'unreachable',
    sentence,
  });
});

test.each([
  ['Could not load credentials from any providers', 'no-credentials', /^There are no AWS credentials\. Set /],
  ['Profile x was not found.', 'no-credentials', /cannot be loaded: Profile x was not found\. Set /],
  [
    'The SSO session associated with this profile has expired. To refresh this SSO session run aws sso login with the corresponding profile.',
    'expired-credentials',
    /Sign in again/,
  ],
  [
    'Failed to load a token for session arn:aws:…, please re-authenticate using aws login',
    'expired-credentials',
    /Sign in again/,
  ],
])('explains credentials that cannot be loaded: %s', (message, kind, sentence) => {
  const described = describeAwsError(new CredentialsProviderError(message));
  expect(described.kind).toBe(kind);
  expect(described.sentence).toMatch(sentence);
});

test('explains a missing region', async () => {
  expect(describeAwsError(new Error('Region is missing'))).toMatchObject({
    kind: 'no-credentials',
    sentence: expect.stringMatching(/^No AWS region is set\. Set AWS_PROFILE/),
  });
});

test('gives the status of an answer that says nothing else', async () => {
  answer = { status: 400, body: '' };
  const ses = new SESv2Client(client());
  const error = await errorOf(ses.send(new GetEmailIdentityCommand({ EmailIdentity: 'me@example.com' })));
  expect(describeAwsError(error)).toEqual({
    kind: 'other',
    sentence: 'AWS answered with status 400, and not why.',
  });
});

test('leaves what is no error of AWS as it is', () => {
  expect(describeAwsError(new TypeError('x is undefined'))).toEqual({
    kind: 'other',
    sentence: 'TypeError: x is undefined.',
  });
  expect(describeAwsError('broken')).toEqual({ kind: 'other', sentence: 'broken.' });
});
