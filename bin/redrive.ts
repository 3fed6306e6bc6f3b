import { SQSClient } from '@aws-sdk/client-sqs';
import { readPorts } from '../local/options.ts';
import { requireEmulators } from '../local/ports.ts';
import { readArguments, runCommand } from './commands/command.ts';
import { localQueues, queuesOfStack } from './commands/redrive/queues.ts';
import { printCounts, redriveQueue } from './commands/redrive/redrive.ts';

const usage = `Usage: npm run redrive -- [--stack NAME] [--dry-run]

  --stack NAME   the deployed stack whose dead letters go back to their queues, in the region and with the
                 credentials that the AWS CLI would use; without it, those of npm start (at PORT, if you set one)
  --dry-run      prints how many there are, and moves none`;

const queuesOf = async (stackName: string | undefined) => {
  if (stackName !== undefined) return { sqs: new SQSClient(), queues: await queuesOfStack(stackName) };
  const ports = readPorts(process.env['PORT']);
  await requireEmulators(ports);
  return localQueues(ports);
};

/** Moves dead letters back to their queues. */
await runCommand(async () => {
  const { values } = readArguments(usage, {
    options: { stack: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
  });
  const stopping = new AbortController();
  // A second signal does nothing: npm passes on a Ctrl-C that this process has received already.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());

  const { sqs, queues } = await queuesOf(values.stack);
  let isComplete = true;
  for (const queue of queues) {
    if (stopping.signal.aborted) break;
    if (!values['dry-run']) isComplete = (await redriveQueue(sqs, queue, stopping.signal)) && isComplete;
    await printCounts(sqs, queue);
  }
  return isComplete && !stopping.signal.aborted ? 0 : 1;
});
