import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { devNull } from 'node:os';
import { checks } from '../../bin/commands/preflight/checks.ts';
import { inContainers } from '../lib/stacks.ts';
import { cleanUp, type Running, startNode, temporaryFolder } from '../local/processes.ts';

jest.setTimeout(60_000);

/** Stands in for all of AWS. */
let aws: Server;
let folder: string;
/** What the server answers; undefined refuses. The request for the caller is always answered. */
let answerOf: (request: string) => string | undefined;
/** Whether AWS refuses the credentials themselves. */
let hasExpired: boolean;
const asked: string[] = [];

/** The name of an operation in each of the protocols of AWS. */
const operationOf = ({ method, url, headers }: IncomingMessage, body: string): string => {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return target;
  return /^Action=(\w+)/.exec(body)?.[1] ?? `${method} ${url}`;
};

const callerReply = `<GetCallerIdentityResponse><GetCallerIdentityResult>
  <Account>111122223333</Account><Arn>arn:aws:iam::111122223333:user/me</Arn>
</GetCallerIdentityResult></GetCallerIdentityResponse>`;

const refusalInXml = (code: string): string =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>User: me is not authorized</Message></Error></ErrorResponse>`;

beforeAll(async () => {
  folder = await temporaryFolder();
  aws = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const operation = operationOf(request, body);
      asked.push(operation);
      const isQuery = body.startsWith('Action=');
      const isAboutCaller = operation === 'GetCallerIdentity';
      const answer = isAboutCaller ? callerReply : answerOf(operation);
      if (isAboutCaller && hasExpired) response.writeHead(403).end(refusalInXml('ExpiredToken'));
      else if (answer !== undefined) {
        response.writeHead(200, { 'content-type': isQuery ? 'text/xml' : 'application/x-amz-json-1.1' });
        response.end(answer);
      } else if (isQuery) response.writeHead(403).end(refusalInXml('AccessDenied'));
      else {
        response.writeHead(403, { 'x-amzn-errortype': 'AccessDeniedException' });
        response.end('{"__type":"AccessDeniedException","message":"User: me is not authorized"}');
      }
    });
  });
  await once(aws.listen(0, '127.0.0.1'), 'listening');
});

beforeEach(() => {
  asked.length = 0;
  hasExpired = false;
  answerOf = () => undefined;
});

afterAll(async () => {
  aws.close();
  await cleanUp();
});

const environment = (): Readonly<Record<string, string>> => {
  const address = aws.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${address.port}`,
    AWS_REGION: 'us-east-2',
    AWS_ACCESS_KEY_ID: 'access',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_MAX_ATTEMPTS: '1',
    // There is no such program.
    CDK_DOCKER: 'no-such-docker',
  };
};

/** Runs `npm run preflight` to its end. */
const preflight = async (
  args: readonly string[],
  given: Readonly<Record<string, string | undefined>> = {},
): Promise<{ readonly code: Awaited<Running['ended']>; readonly out: string; readonly errors: string }> => {
  const running = startNode('bin/preflight.ts', {
    args,
    folder,
    environment: { ...environment(), ...given },
  });
  const code = await running.ended;
  return { code, out: running.out(), errors: running.errors() };
};

const contextOf = (settings: object): readonly string[] =>
  Object.entries(settings).flatMap(([name, value]) => [
    '-c',
    `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  ]);

/** The settings with which every check is made but one, which concerns functions. */
const everything = contextOf({
  ...inContainers,
  dataLake: true,
  email: { from: 'me@example.com', allowedRecipients: ['example.com'] },
});

test('says in one sentence that there are no credentials', async () => {
  const none = await preflight([], { AWS_ACCESS_KEY_ID: undefined });
  expect(none).toEqual({
    code: 2,
    out: '',
    errors:
      '\nThere are no AWS credentials. Set AWS_PROFILE, or AWS_REGION with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as for the AWS CLI.\n\n',
  });
  expect(asked).toEqual([]);
});

test.each([
  ['there is no region', { AWS_REGION: undefined }, /^\nNo AWS region is set\. Set AWS_PROFILE/],
  ['nothing answers', { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }, /^\nAWS at 127\.0\.0\.1 does not answer/],
])('says in one sentence that %s', async (_, given, message) => {
  const { code, out, errors } = await preflight([], given);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(errors).toMatch(message);
  expect(errors.trim()).not.toContain('\n');
});

test('says in one sentence that the credentials have expired', async () => {
  hasExpired = true;
  expect(await preflight([])).toEqual({
    code: 2,
    out: '',
    errors:
      '\nThe AWS credentials have expired. Sign in again, for example with "aws sso login" or "aws login".\n\n',
  });
  expect(asked).toEqual(['GetCallerIdentity']);
});

test('takes the region from the other variable that CDK reads', async () => {
  const { out } = await preflight([], { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-1' });
  expect(out).toContain('ThumbnailGenerator in account 111122223333, region eu-west-1, as arn:aws:iam::');
});

test('says what it may not read, for each check, and reads nothing else', async () => {
  // WHEN AWS tells who the caller is, and refuses everything else
  const { code, out, errors } = await preflight(['--json', ...everything]);

  // THEN
  expect({ code, errors }).toEqual({ code: 1, errors: '' });
  const report = JSON.parse(out);
  expect(report).toMatchObject({
    stackName: 'ThumbnailGenerator',
    account: '111122223333',
    region: 'us-east-2',
  });
  const expected = checks
    .filter(({ name }) => name !== 'function-memory')
    .map(({ name, actions }) =>
      name === 'docker'
        ? expect.objectContaining({ check: name, result: 'fails' })
        : expect.objectContaining({ check: name, result: 'unknown', deniedActions: actions }),
    );
  expect(report.checks).toEqual(expected);
  expect(asked).toContain('AmazonSSM.GetParameter');
  const reads = /(?:^|\.)(?:Get|Describe|List)\w+$|^GET /;
  expect(asked.filter((operation) => !reads.test(operation))).toEqual([]);
});

test('ends with 2 if nothing is known to fail, but not everything could be read', async () => {
  answerOf = (operation) =>
    operation === 'AmazonSSM.GetParameter' ? '{"Parameter":{"Value":"21"}}' : undefined;
  const { code, out } = await preflight([]);
  expect(code).toBe(2);
  expect(out).toMatch(/^ok {7}bootstrap {8}The bootstrap stack has version 21; this app needs 6\.$/m);
  expect(out).toMatch(/^unknown {2}stack {12}Not allowed: User: me is not authorized\.$/m);
  expect(out).toContain('-> Allow cloudformation:DescribeStacks for these credentials, or look yourself.');
});

test.each<[string, readonly string[], string]>([
  ['an unknown flag', ['--jsn'], "Unknown option '--jsn'"],
  ['a setting without a value', ['-c', 'stage'], '-c takes name=value (given "stage").'],
  ['a setting that does not exist', ['-c', 'stge=live'], 'stge: no such setting. Did you mean stage?'],
])('ends with 2 for %s, and asks AWS nothing', async (_, args, message) => {
  const { code, out, errors } = await preflight(args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(errors).toContain(message);
  expect(errors).not.toMatch(/^\s+at /m);
  expect(asked).toEqual([]);
});

test('explains itself', async () => {
  const { code, out, errors } = await preflight(['--help']);
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(out).toContain('npm run preflight -- [--json] [-c name=value]...');
});
