import type { AllowedRecipients } from '../lambdas/notify/mail-request.ts';
import { resources } from './aws.ts';
import { startChild } from './child.ts';
import { openDataFolder } from './data-folder.ts';
import { apiUrlOf, emailOf, environmentsFor } from './environments.ts';
import { type Options, readOptions } from './options.ts';
import { endpointOf, refuseBusyPorts, untilListening } from './ports.ts';
import { startSchedule } from './schedule.ts';
import { startServices } from './services.ts';
import { StartError } from './start-error.ts';

/** What runs, in the order in which it was started. */
const running: { stop(): Promise<unknown> }[] = [];

const start = async ({ settings, ports, isNpmScript }: Options): Promise<void> => {
  if (isNpmScript) stopWithShell();
  await refuseBusyPorts(ports);

  const dataFolder = openDataFolder(ports.api);
  const services = await startServices({ ports, dataFolder });
  running.push(services);

  const environments = environmentsFor(ports, settings, dataFolder.credentials);
  const children = [
    startChild({
      name: 'ingest',
      entry: 'containers/ingest.ts',
      environment: environments.ingest,
      works: (signal) => untilListening(ports.api, signal),
    }),
    startChild({
      name: 'resize',
      entry: 'containers/resize.ts',
      environment: environments.resize,
      works: () => services.firstPoll(resources.resizeQueue),
    }),
    startChild({
      name: 'notify',
      entry: 'local/workers/notify.ts',
      environment: environments.notify,
      works: () => services.firstPoll(resources.notifyQueue),
    }),
    startChild({
      name: 'lake',
      entry: 'local/workers/lake.ts',
      environment: environments.lake,
      works: () => services.firstPoll(resources.dataLakeQueue),
    }),
  ];
  running.push({ stop: () => Promise.all(children.map((child) => child.stop())) });
  await Promise.all(children.map((child) => child.ready));

  console.log(`
  Thumbnail Generator runs on this machine. Post an image:

    curl --request POST -H "Content-Type: image/jpg" --data-binary "@photo.jpg" ${apiUrlOf(ports, settings)}/upload_image

  The reply's "url" shows the thumbnail in a browser, a moment later; its "link" does so for ever. For the URL alone add
  -H "Accept: text/plain". Images and work not yet done are kept in ${dataFolder.path}. Ctrl-C stops everything.

  ${mailHint(emailOf(settings).allowedRecipients, endpointOf(ports.mail))}

  The services' logs follow.
`);

  running.push(
    startSchedule({
      name: 'reconcile',
      entry: 'local/workers/reconcile.ts',
      environment: environments.reconcile,
      pauseSeconds: 60,
    }),
  );
};

const mailHint = (allowedRecipients: AllowedRecipients, page: string): string => {
  const recipients = allowedRecipients.map((entry) => (entry.includes('@') ? entry : `anyone at ${entry}`));
  const [first = ''] = allowedRecipients;
  const example = first.includes('@') ? first : `me@${first}`;
  return `Mail to ${recipients.join(', ')} stays on this machine, until Ctrl-C: add -H "X-Notify-Email: ${example}"
  and read it at ${page}.`;
};

let isStopping = false;

/** Consumers go before what they talk to. */
const stop = async (exitCode: number): Promise<void> => {
  // npm passes on a Ctrl-C that we have had from the terminal already: the second one means nothing.
  if (isStopping) return;
  isStopping = true;
  try {
    for (const service of running.toReversed()) await service.stop();
  } finally {
    process.exit(exitCode);
  }
};

/** A SIGTERM for npm ends the shell between npm and us, which does not pass it on: we would be left behind. */
const stopWithShell = (): void => {
  const shell = process.ppid;
  setInterval(() => process.ppid === shell || stop(0), 500).unref();
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(0));

try {
  await start(readOptions(process.argv.slice(2), process.env));
} catch (error) {
  console.error(error instanceof StartError ? `\n${error.message}\n` : error);
  await stop(1);
}
