import { readSettings } from '../../lib/settings.ts';
import { environmentsFor } from '../../local/environments.ts';
import { endpointOf, portsFrom } from '../../local/ports.ts';
import { freePort, pidOfChild, until } from './local-run.ts';
import { cleanUp, project, type Running, startProcess } from './processes.ts';

jest.setTimeout(60_000);

afterEach(cleanUp);

/** Runs a script in a process of its own, so that the output of its children can be read. */
const runScript = (script: string): Running =>
  startProcess([process.execPath, '--input-type=module', '--eval', script], {
    folder: project,
    environment: {},
  });

test('a process that dies before it works is not started again, and the start fails', async () => {
  const running = runScript(`
    import { startChild } from './local/child.ts';
    const child = startChild({
      name: 'resize', entry: 'containers/resize.ts', environment: {}, works: () => new Promise(() => {}),
    });
    await child.ready.catch(({ name, message }) => console.log(name + ': ' + message));
    setTimeout(() => process.exit(7), 1500);
  `);
  expect(await running.ended).toBe(7);
  expect(running.out()).toBe('StartError: resize did not start (exit code 1). See the messages above.\n');
  // The last line of Node.js after an uncaught error.
  expect(running.errors().match(/^Node\.js v/gm)).toHaveLength(1);
});

test('a scheduled task that fails is reported and runs again', async () => {
  const running = runScript(`
    import { startSchedule } from './local/schedule.ts';
    startSchedule({ name: 'reconcile', entry: 'local/workers/reconcile.ts', environment: {}, pauseSeconds: 0.1 });
    setTimeout(() => process.exit(), 40_000);
  `);
  const report = 'reconcile failed (exit code 1). It runs again in 0.1 seconds.';
  await until('two failed runs', () => running.errors().split(report).length > 2 || undefined);
});

test('a process whose event loop is blocked still ends with its parent', async () => {
  const parent = runScript(`
    import { spawnEntry } from './local/child.ts';
    spawnEntry({ entry: 'test/local/blocked.ts', environment: {} });
    setInterval(() => {}, 1000);
  `);
  await until('the child to block', () => parent.out().includes('blocks') || undefined);
  process.kill(parent.pid, 'SIGKILL');
  // The child shares the pipes of its parent, which close when both have ended.
  expect(await parent.ended).toBe('SIGKILL');
});

test('a process whose event loop is blocked is replaced', async () => {
  const port = await freePort();
  const environment = {
    ...environmentsFor(portsFrom(port), readSettings({}), {
      accessKeyId: 'EXAMPLE',
      secretAccessKey: 'example',
    }).ingest,
    NODE_OPTIONS: `--import=${new URL('block-on-signal.ts', import.meta.url)}`,
  };
  const running = runScript(`
    import { startChild } from './local/child.ts';
    import { untilListening } from './local/ports.ts';
    const child = startChild({
      name: 'ingest',
      entry: 'containers/ingest.ts',
      environment: ${JSON.stringify(environment)},
      works: (signal) => untilListening(${port}, signal),
    });
    process.on('SIGTERM', async () => { await child.stop(); process.exit(); });
  `);
  const answers = async () => {
    const response = await fetch(`${endpointOf(port)}/dev/openapi.json`, {
      signal: AbortSignal.timeout(1000),
    });
    return response.ok || undefined;
  };
  const first = await pidOfChild(running.pid, 'containers/ingest.ts');
  await until('ingest', () => answers().catch(() => undefined));
  process.kill(first, 'SIGUSR2');
  const isBlocked = () =>
    answers().then(
      () => undefined,
      () => true,
    );
  await until('the block', isBlocked);
  await until('the next ingest', () => answers().catch(() => undefined), 40_000);
  expect(await pidOfChild(running.pid, 'containers/ingest.ts')).not.toBe(first);
  expect(running.errors()).toContain('the event loop is blocked, so the process is ended');
  expect(running.errors()).toContain('ingest died (SIGKILL). It starts again in a second.');
  expect(await running.end('SIGTERM')).toBe(0);
});
