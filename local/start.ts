import type { AllowedRecipients } from '../lambdas/notify/mail-request.ts';
import { resources } from './aws.ts';
import { type Child, type ChildProps, startChild } from './child.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { type Emulators, startEmulators } from './emulators/start.ts';
import { apiUrlOf, emailOf, environmentsFor } from './environments.ts';
import { type Options, readOptions } from './options.ts';
import { endpointOf, refuseBusyPorts, untilListening } from './ports.ts';
import { startSchedule } from './schedule.ts';
import { StartError } from './start-error.ts';

/** `npm start`: the emulators of AWS, and the processes of the product around them. */
const start = async (options: Options): Promise<void> => {
  const { settings, ports, isNpmScript } = options;
  if (settings.auth === 'iam') {
    throw new StartError(
      'auth "iam" needs API Gateway, which verifies the signatures. Use none or {"jwt": …}.',
    );
  }
  if (isNpmScript) stopWithShell();
  await refuseBusyPorts(ports);

  const dataFolder = openDataFolder(ports.api);
  const emulators = await startEmulators({ ports, dataFolder, corsOrigins: settings.corsOrigins });
  running.push(emulators);

  const environments = environmentsFor(ports, settings, dataFolder.credentials);
  await startProcesses(processesOf(environments, options, emulators));
  console.log(usageOf(options, dataFolder));
  running.push(
    startSchedule({
      name: 'reconcile',
      entry: 'local/workers/reconcile.ts',
      environment: environments.reconcile,
      pauseSeconds: 60,
      isForPeople: !options.isJsonLog,
    }),
  );
};

type Environments = ReturnType<typeof environmentsFor>;

const processesOf = (
  environments: Environments,
  { ports, isJsonLog }: Options,
  { firstPoll }: Emulators,
): readonly ChildProps[] => {
  const processes: readonly ChildProps[] = [
    {
      name: 'ingest',
      entry: 'containers/ingest.ts',
      environment: environments.ingest,
      works: (signal) => untilListening(ports.api, signal),
    },
    {
      name: 'resize',
      entry: 'containers/resize.ts',
      environment: environments.resize,
      works: () => firstPoll(resources.resizeQueue),
    },
    {
      name: 'notify',
      entry: 'local/workers/notify.ts',
      environment: environments.notify,
      works: () => firstPoll(resources.notifyQueue),
    },
    {
      name: 'delete',
      entry: 'local/workers/delete.ts',
      environment: environments.delete,
      works: () => firstPoll(resources.deleteQueue),
    },
    {
      name: 'lake',
      entry: 'local/workers/lake.ts',
      environment: environments.lake,
      works: () => firstPoll(resources.dataLakeQueue),
    },
  ];
  return processes.map((child) => ({ ...child, isForPeople: !isJsonLog }));
};

/** @throws StartError when one of them does not work in time */
const startProcesses = async (processes: readonly ChildProps[]): Promise<void> => {
  const children: readonly Child[] = processes.map(startChild);
  running.push({ stop: () => Promise.all(children.map((child) => child.stop())) });
  await Promise.all(children.map((child) => child.ready));
};

const usageOf = ({ settings, ports }: Options, { path }: DataFolder): string => `
  Thumbnail Generator runs on this machine. Post an image:

    curl --request POST -H "Content-Type: image/jpg" --data-binary "@photo.jpg" ${apiUrlOf(ports, settings)}/upload_image

  The reply's "link" shows the thumbnail in a browser and never expires. Or drop images on the page at
  ${apiUrlOf(ports, settings)}/
  Images and unfinished work are kept in ${path}. Ctrl-C stops everything.

  ${mailHint(emailOf(settings).allowedRecipients, endpointOf(ports.mail))}

  Logs:
`;

const mailHint = (allowedRecipients: AllowedRecipients, page: string): string => {
  const recipients = allowedRecipients.map((entry) => (entry.includes('@') ? entry : `anyone at ${entry}`));
  const [first = ''] = allowedRecipients;
  const example = first.includes('@') ? first : `me@${first}`;
  return `Mail to ${recipients.join(', ')} stays on this machine, until Ctrl-C: add -H "X-Notify-Email: ${example}"
  and read it at ${page}. Others are allowed by the setting email.`;
};

/** What has been started, in that order. */
const running: { stop(): Promise<unknown> }[] = [];

let isStopping = false;

/** Stops everything in reverse order, so that processes end before the emulators that they use. */
const stop = async (exitCode: number): Promise<void> => {
  // npm passes on a Ctrl-C that this process has received from the terminal already.
  if (isStopping) return;
  isStopping = true;
  try {
    for (const each of running.toReversed()) await each.stop();
  } finally {
    process.exit(exitCode);
  }
};

/** A SIGTERM to npm ends the shell between npm and this process, which does not pass it on. */
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
