import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { devNull } from 'node:os';
import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { resizeEnvironment } from '../../lambdas/resize/environment.ts';
import { writeVariables } from '../../lambdas/runtime/environment.ts';
import { readSettings } from '../../lib/settings.ts';
import { deadLetterQueueOf, resources } from '../../local/aws.ts';
import { environmentsFor } from '../../local/environments.ts';
import { endpointOf, type Ports } from '../../local/ports.ts';
import { quarteredPicture } from '../images.ts';
import { type AwsClients, credentialsOf } from '../local/aws-clients.ts';
import { startEmbeddedServices } from '../local/embedded-services.ts';
import { freePort, until } from '../local/local-run.ts';
import { cleanUp, type Running, startNode } from '../local/processes.ts';

jest.setTimeout(60_000);

const settings = readSettings({});
let folder: string;
let ports: Ports;
let aws: AwsClients;
/** Stands in for CloudFormation. */
let cloudFormation: Server;
let answer: { readonly status: number; readonly body: string };

beforeAll(async () => {
  ({ folder, ports, aws } = await startEmbeddedServices(1));
  cloudFormation = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(answer.status).end(answer.body));
  });
  await once(cloudFormation.listen(0, '127.0.0.1'), 'listening');
});

afterAll(async () => {
  cloudFormation.close();
  await cleanUp();
});

const start = (
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): Running =>
  startNode('bin/redrive.ts', { args, folder, environment: { PORT: String(ports.api), ...environment } });

/** Runs `npm run redrive -- --local` to its end. */
const redrive = async (...args: readonly string[]): Promise<Running> => {
  const running = start(['--local', ...args]);
  await running.ended;
  return running;
};

const deadLetters = deadLetterQueueOf(resources.resizeQueue);

const putDeadLetters = async (count: number): Promise<void> => {
  for (let first = 0; first < count; first += 10) {
    await aws.sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: aws.urlOf(deadLetters),
        Entries: Array.from({ length: Math.min(10, count - first) }, (_, index) => ({
          Id: String(index),
          MessageBody: `message ${first + index}`,
        })),
      }),
    );
  }
};

/** Receives and deletes all messages of the resize queue, and returns their bodies. */
const drain = async (): Promise<readonly string[]> => {
  const QueueUrl = aws.urlOf(resources.resizeQueue);
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await aws.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    );
    if (Messages.length === 0) return bodies;
    bodies.push(...Messages.map(({ Body = '' }) => Body));
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await aws.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
};

test('redrives a message that succeeds once the cause of its failure is fixed', async () => {
  // GIVEN a dead letter: the worker's bucket did not exist
  const environment = environmentsFor(ports, settings, credentialsOf({ folder, ports })).resize;
  const wrong = startNode('containers/resize.ts', {
    folder,
    environment: {
      ...environment,
      ...writeVariables(resizeEnvironment, { thumbnailBucket: 'no-such-bucket' }),
    },
  });
  const id = await aws.upload(Buffer.from(await quarteredPicture(400, 300).jpeg().toBuffer()));
  await until('a dead letter', async () => (await aws.deadLetters()) === 1 || undefined);
  await wrong.end('SIGKILL');
  const right = startNode('containers/resize.ts', { folder, environment });

  // WHEN
  const dryRun = await redrive('--dry-run');

  // THEN
  expect(await dryRun.ended).toBe(0);
  expect(dryRun.out().split('\n')).toEqual([
    'resize: dead letters: 1',
    'resize: waiting in the queue: 0',
    'slow-resize: dead letters: 0',
    'slow-resize: waiting in the queue: 0',
    'delete: dead letters: 0',
    'delete: waiting in the queue: 0',
    'notify: dead letters: 0',
    'notify: waiting in the queue: 0',
    'data-lake: dead letters: 0',
    expect.stringMatching(/^data-lake: waiting in the queue: \d+$/),
    '',
  ]);
  expect(dryRun.errors()).toBe('');
  expect(await aws.deadLetters()).toBe(1);
  expect((await aws.catalog.find(id))?.status).toBe('received');

  // WHEN
  const run = await redrive();

  // THEN
  expect(await run.ended).toBe(0);
  expect(run.out()).toContain(
    'resize: dead letters moved back: 1 of 1\nresize: dead letters: 0\nresize: waiting in the queue: ',
  );
  expect(run.out()).toContain('notify: dead letters: 0\n');
  expect(run.errors()).toBe('');
  await until('thumbnails', async () =>
    (await aws.catalog.find(id))?.status === 'ready' ? true : undefined,
  );
  await aws.untilNothingQueued();
  expect(await aws.deadLetters()).toBe(0);
  await right.end('SIGKILL');
});

test('loses no message when it is killed or stopped half-way', async () => {
  // GIVEN
  await putDeadLetters(1000);
  const VisibilityTimeout = '1';
  await aws.sqs.send(
    new SetQueueAttributesCommand({ QueueUrl: aws.urlOf(deadLetters), Attributes: { VisibilityTimeout } }),
  );

  // WHEN one run is killed, the next one is stopped, and the last one ends by itself
  const killed = start(['--local']);
  await until('some moves', async () => (await aws.deadLetters()) <= 700 || undefined);
  expect(await killed.end('SIGKILL')).toBe('SIGKILL');
  const stopped = start(['--local']);
  await until('more moves', async () => (await aws.deadLetters()) <= 500 || undefined);
  expect(await stopped.end('SIGINT')).toBe(1);
  expect(stopped.out()).toMatch(/^resize: dead letters moved back: \d+ of \d+\nresize: dead letters: \d+/);
  const last = await until('a run that leaves no dead letter', async () => {
    const run = await redrive();
    return (await aws.deadLetters()) === 0 ? run : undefined;
  });

  // THEN
  expect(await last.ended).toBe(0);
  expect(last.out()).toContain('resize: dead letters: 0\n');
  const bodies = await drain();
  expect(new Set(bodies)).toEqual(new Set(Array.from({ length: 1000 }, (_, index) => `message ${index}`)));
  // The batch in flight at the time of the kill may have been sent twice.
  expect(bodies.length).toBeLessThanOrEqual(1010);
});

describe('with a stack', () => {
  const environment = () => {
    const address = cloudFormation.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { accessKeyId, secretAccessKey } = credentialsOf({ folder, ports });
    return {
      AWS_REGION: 'us-east-2',
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${port}`,
      AWS_ENDPOINT_URL_SQS: endpointOf(ports.sqs),
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      AWS_MAX_ATTEMPTS: '1',
    };
  };

  const redriveStack = async (given: Readonly<Record<string, string | undefined>>): Promise<Running> => {
    const running = start(['--stack', 'Trial'], given);
    await running.ended;
    return running;
  };

  const stackWith = (outputs: Readonly<Record<string, string>>) => ({
    status: 200,
    body: `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><Outputs>${Object.entries(outputs)
      .map(
        ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
      )
      .join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  });

  const refusal = (status: number, code: string, message: string) => ({
    status,
    body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  });

  test('finds each queue and its dead-letter queue in the outputs', async () => {
    answer = stackWith({
      UploadUrl: 'https://example.com/dev/upload_image',
      ResizeDeadLetterQueueUrl: aws.urlOf(deadLetters),
      ResizeQueueUrl: aws.urlOf(resources.resizeQueue),
      OrphanDeadLetterQueueUrl: 'https://sqs/orphan',
    });
    await putDeadLetters(2);
    const run = await redriveStack(environment());
    expect(run.errors()).toBe('');
    expect(await run.ended).toBe(0);
    expect(run.out()).toBe(
      'resize: dead letters moved back: 2 of 2\nresize: dead letters: 0\nresize: waiting in the queue: 2\n',
    );
    expect([...(await drain())].sort()).toEqual(['message 0', 'message 1']);
  });

  test.each([
    [
      'there is no such stack',
      refusal(400, 'ValidationError', 'Stack with id Trial does not exist'),
      {},
      'Stack with id Trial does not exist (searched in us-east-2).',
    ],
    ['it has no such outputs', stackWith({ UploadUrl: 'https://example.com' }), {}, 'no dead-letter queues'],
    [
      'access is denied',
      refusal(403, 'AccessDenied', 'User: x is not authorized to perform: cloudformation:DescribeStacks'),
      {},
      'These credentials may not use cloudformation:DescribeStacks.',
    ],
    ['there is no region', stackWith({}), { AWS_REGION: undefined }, 'No AWS region is set. Set AWS_PROFILE'],
    [
      'there are no credentials',
      stackWith({}),
      { AWS_ACCESS_KEY_ID: undefined },
      'There are no AWS credentials. Set AWS_PROFILE',
    ],
  ])('explains without a stack that %s', async (_, given, others, message) => {
    answer = given;
    const run = await redriveStack({ ...environment(), ...others });
    expect(await run.ended).toBe(1);
    expect(run.out()).toBe('');
    expect(run.errors()).toContain(message);
    expect(run.errors()).not.toMatch(/^\s+at /m);
  });
});

test('fails when npm start does not run, and for an unknown flag with the usage', async () => {
  const port = await freePort();
  const alone = start(['--local'], { PORT: String(port) });
  expect(await alone.ended).toBe(1);
  expect(alone.errors()).toContain(`Nothing listens on port ${port + 1} (S3). Run npm start first`);
  const misspelled = await redrive('--dryrun');
  expect(await misspelled.ended).toBe(1);
  expect(misspelled.errors()).toContain("Unknown option '--dryrun'");
  expect(misspelled.errors()).toContain('npm run redrive -- --stack NAME [--dry-run]');
});

test.each<[string, readonly string[], RegExp]>([
  ['no argument', [], /^\nGive --stack or --local\.\n\nUsage: npm run redrive -- --stack NAME/],
  ['neither a stack nor npm start', ['--dry-run'], /^\nGive --stack or --local\.\n\nUsage: /],
  ['both', ['--stack', 'Trial', '--local'], /^\nGive --stack or --local, not both\.\n\nUsage: /],
])('moves nothing and prints its usage for %s', async (_, args, message) => {
  const run = start(args);
  expect(await run.ended).toBe(1);
  expect(run.out()).toBe('');
  expect(run.errors()).toMatch(message);
});
