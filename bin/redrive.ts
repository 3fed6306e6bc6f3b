import { SQSClient } from '@aws-sdk/client-sqs';
import { readPorts } from '../local/options.ts';
import { requireEmulators } from '../local/ports.ts';
import { readArguments, runCommand, UsageError } from './commands/command.ts';
import { localQueues, queuesOfStack } from './commands/redrive/queues.ts';
import { printCounts, redriveQueue } from './commands/redrive/redrive.ts';

const usage = `Usage: npm run redrive -- --stack NAME [--dry-run]
       npm run redrive -- --local [--dry-run]

  --stack NAME   redrives the dead letters of this stack, with the region and credentials of the AWS CLI
  --local        redrives those of npm start (PORT=3100: of the one at this port)
  --dry-run      prints the counts and moves nothing`;

const queuesOf = async (stackName: string | undefined) => {
  if (stackName !== undefined) return { sqs: new SQSClient(), queues: await queuesOfStack(stackName) };
  const ports = readPorts(process.env['PORT']);
  await requireEmulators(ports);
  return localQueues(ports);
};

await runCommand(async () => {
  const { values } = readArguments(usage, {
    options: {
      stack: { type: 'string' },
      local: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  if (values.stack === undefined && !values.local) {
    throw new UsageError(`Give --stack or --local.\n\n${usage}`);
  }
  if (values.stack !== undefined && values.local) {
    throw new UsageError(`Give --stack or --local, not both.\n\n${usage}`);
  }
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
