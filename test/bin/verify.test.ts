import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { devNull } from 'node:os';
import { checks } from '../../bin/commands/verify/checks.ts';
import { cleanUp, project, startNode } from '../local/processes.ts';

jest.setTimeout(60_000);

/** Stands in for AWS. */
let aws: Server;
let endpoint: string;
let answer: { readonly status: number; readonly body: string };

beforeAll(async () => {
  aws = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(answer.status).end(answer.body));
  });
  await once(aws.listen(0, '127.0.0.1'), 'listening');
  const address = aws.address();
  endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});

afterAll(async () => {
  aws.close();
  await cleanUp();
});

const verify = async (
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
) => {
  const running = startNode('bin/verify.ts', {
    args,
    folder: project,
    environment: {
      AWS_REGION: 'us-east-2',
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_ENDPOINT_URL: endpoint,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      AWS_MAX_ATTEMPTS: '1',
      ...environment,
    },
  });
  const exit = await running.ended;
  return { exit, out: running.out(), errors: running.errors() };
};

const errorReply = (code: string, message: string, status = 400) => ({
  status,
  body: `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
});

const stackReply = (status: string, outputs: Readonly<Record<string, string>> = {}) => ({
  status: 200,
  body: `<DescribeStacksResponse><DescribeStacksResult><Stacks><member>
    <StackName>Photos</StackName><CreationTime>2026-11-01T00:00:00Z</CreationTime><StackStatus>${status}</StackStatus>
    <Outputs>${Object.entries(outputs)
      .map(
        ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
      )
      .join('')}</Outputs>
  </member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
});

test.each<[string, typeof answer, Readonly<Record<string, string | undefined>>, RegExp]>([
  [
    'there are no credentials',
    stackReply('CREATE_COMPLETE'),
    { AWS_ACCESS_KEY_ID: undefined },
    /^There are no AWS credentials\. Set AWS_PROFILE/,
  ],
  [
    'there is no region',
    stackReply('CREATE_COMPLETE'),
    { AWS_REGION: undefined },
    /^No AWS region is set\. Set AWS_PROFILE/,
  ],
  [
    'the credentials have expired',
    errorReply('ExpiredToken', 'The security token included in the request is expired', 403),
    {},
    /^The AWS credentials have expired\. Sign in again/,
  ],
  [
    'the stack is in another region',
    errorReply('ValidationError', 'Stack with id Photos does not exist'),
    { AWS_REGION: 'eu-west-1' },
    /^There is no stack Photos in eu-west-1 with these credentials\. Check --stack, AWS_REGION and AWS_PROFILE\.$/,
  ],
  [
    'the stack may not be read',
    errorReply('AccessDenied', 'User: me is not authorized to perform: cloudformation:DescribeStacks', 403),
    {},
    /^These credentials may not use cloudformation:DescribeStacks\.$/,
  ],
  [
    'the stack is still changing',
    stackReply('UPDATE_IN_PROGRESS'),
    {},
    /^The stack Photos in us-east-2 is still changing \(UPDATE_IN_PROGRESS\)\. Wait until that ends: aws cloudformation wait/,
  ],
  [
    'its first deployment failed',
    stackReply('ROLLBACK_COMPLETE'),
    {},
    /^The stack Photos in us-east-2 is not deployed \(ROLLBACK_COMPLETE\)\. .* deploy it again\.$/,
  ],
  [
    'the stack is of another app',
    stackReply('CREATE_COMPLETE', { UploadUrl: 'https://api.example.com/dev/upload_image' }),
    {},
    /^The stack Photos in us-east-2 is no Thumbnail Generator: its outputs lack RawBucketName, /,
  ],
  [
    'AWS does not answer',
    stackReply('CREATE_COMPLETE'),
    { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' },
    /^AWS at 127\.0\.0\.1 does not answer \(ECONNREFUSED\)\. Check the network and its proxy\.$/,
  ],
])(
  'says in one sentence what to do, and ends with 2, when %s',
  async (_what, reply, environment, sentence) => {
    answer = reply;
    const { exit, out, errors } = await verify(['--stack', 'Photos'], environment);
    expect(errors.trim()).toMatch(sentence);
    expect([exit, out, errors.trim().split('\n')]).toEqual([2, '', [expect.any(String)]]);
  },
);

test.each([
  ['no stack', [], 'Give the name of a stack.'],
  ['an unknown group', ['--stack', 'Photos', '--only', 'api,cats'], '--only has no cats. There are: stack, '],
  [
    'an unknown check',
    ['--stack', 'Photos', '--skip', 'cats'],
    '--skip has no cats. There are: stack-complete, ',
  ],
  ['an unknown option', ['--stac', 'Photos'], "Unknown option '--stac'"],
])('refuses %s', async (_what, args, message) => {
  const { exit, errors } = await verify(args);
  expect([exit, errors]).toEqual([2, expect.stringContaining(message)]);
});

test('explains itself, and lists its checks', async () => {
  const help = await verify(['--help']);
  expect([help.exit, help.out]).toEqual([0, expect.stringContaining('Exit code: 0 if all checks held')]);
  const list = await verify(['--list']);
  expect([list.exit, list.out.trim().split('\n')]).toEqual([
    0,
    checks.map(({ name, description }) => expect.stringMatching(`^${name} .*${description.slice(0, 20)}`)),
  ]);
});
