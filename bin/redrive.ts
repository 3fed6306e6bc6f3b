import { SQSClient } from '@aws-sdk/client-sqs';
import { readPorts } from '../local/options.ts';
import { requireEmulators } from '../local/ports.ts';
import { readArguments, runCommand } from './commands/command.ts';
import { localQueues, queuesOfStack } from './commands/redrive/queues.ts';
import { printCounts, redriveQueue } from './commands/redrive/redrive.ts';

const usage = `Usage: npm run redrive -- [--stack NAME] [--dry-run]

  --stack NAME   redrives the dead letters of this stack, with the region and credentials of the AWS CLI;
                 without it, those of npm start (on PORT if set)
  --dry-run      prints the counts and moves nothing`;

const queuesOf = async (stackName: string | undefined) => {
  if (stackName !== undefined) return { sqs: new SQSClient(), queues: await queuesOfStack(stackName) };
  const ports = readPorts(process.env['PORT']);
  await requireEmulators(ports);
  return localQueues(ports);
};

await runCommand(async () => {
  const { values } = readArguments(usage, {
    options: { stack: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
  });
  const stopping = new AbortController();
  // Handlers stay installed, because npm forwards a Ctrl-C that the terminal already sent here.
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
