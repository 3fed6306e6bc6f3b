import { inspect, parseArgs } from 'node:util';
import { SQSClient } from '@aws-sdk/client-sqs';
import { deadLetterQueueOf, queueUrl, region, resources } from '../local/aws.ts';
import { dataFolderOf, readCredentials } from '../local/data-folder.ts';
import { readPorts } from '../local/options.ts';
import { endpointOf, type Ports, requireServices } from '../local/ports.ts';
import { StartError } from '../local/start-error.ts';
import { queuesOfStack } from './redrive/queues.ts';
import { reasonOf } from './redrive/reason.ts';
import { redriveQueue, tellCounts } from './redrive/redrive.ts';

const usage = `Usage: npm run redrive -- [--stack NAME] [--dry-run]

  --stack NAME   the deployed stack whose dead letters go back to their queues, in the region and with the
                 credentials that the AWS CLI would use; without it, those of npm start (with its PORT, if you set one)
  --dry-run      says how many there are, and moves none`;

const readArguments = () => {
  try {
    return parseArgs({
      options: { stack: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
    }).values;
  } catch (error) {
    throw new StartError(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
};

/** The queues of what `npm start` runs, and a client that reaches nothing but this machine. */
const localQueues = (ports: Ports) => {
  const endpoint = endpointOf(ports.sqs);
  return {
    sqs: new SQSClient({
      endpoint,
      region,
      credentials: readCredentials(dataFolderOf(ports.api)),
      // A developer's own AWS settings may ask for these; they exclude an endpoint of ours.
      useFipsEndpoint: false,
      useDualstackEndpoint: false,
    }),
    queues: [
      resources.resizeQueue,
      resources.slowResizeQueue,
      resources.notifyQueue,
      resources.dataLakeQueue,
    ].map((name) => ({
      name,
      url: queueUrl(endpoint, name),
      deadLettersUrl: queueUrl(endpoint, deadLetterQueueOf(name)),
    })),
  };
};

const reach = async (stackName: string | undefined) => {
  if (stackName !== undefined) return { sqs: new SQSClient(), queues: await queuesOfStack(stackName) };
  const ports = readPorts(process.env['PORT']);
  await requireServices(ports);
  return localQueues(ports);
};

const stopping = new AbortController();
// Nor does a second one end the batch at hand: npm passes on a Ctrl-C that we have had from the terminal already.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());

try {
  const { stack, 'dry-run': isDryRun } = readArguments();
  const { sqs, queues } = await reach(stack);
  for (const queue of queues) {
    if (stopping.signal.aborted) break;
    if (!isDryRun && !(await redriveQueue(sqs, queue, stopping.signal))) process.exitCode = 1;
    await tellCounts(sqs, queue);
  }
  if (stopping.signal.aborted) process.exitCode = 1;
} catch (error) {
  console.error(`\n${reasonOf(error) ?? inspect(error)}\n`);
  process.exitCode = 1;
}
