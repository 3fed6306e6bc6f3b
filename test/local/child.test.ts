import { until } from './local-run.ts';
import { cleanUp, project, type Running, startProcess } from './processes.ts';

jest.setTimeout(60_000);

afterEach(cleanUp);

/** Runs a module's text at the project's top, in a process of its own, so that what the children print can be read. */
const runScript = (script: string): Running =>
  startProcess([process.execPath, '--input-type=module', '--eval', script], {
    folder: project,
    environment: {},
  });

test('a service that dies at its first start ends the start and is not started again', async () => {
  const running = runScript(`
    import { startChild } from './local/child.ts';
    const child = startChild({
      name: 'resize', entry: 'containers/resize.ts', environment: {}, works: () => new Promise(() => {}),
    });
    await child.ready.catch(({ name, message }) => console.log(name + ': ' + message));
    setTimeout(() => process.exit(7), 1500);
  `);
  expect(await running.ended).toBe(7);
  expect(running.out()).toBe('StartError: resize did not start (exit code 1): see above.\n');
  // What Node says last when it dies of an error.
  expect(running.errors().match(/^Node\.js v/gm)).toHaveLength(1);
});

test('a scheduled task that fails is said to have failed, and runs again', async () => {
  const running = runScript(`
    import { startSchedule } from './local/schedule.ts';
    startSchedule({ name: 'reconcile', entry: 'containers/reconcile.ts', environment: {}, pauseSeconds: 0.1 });
    setTimeout(() => process.exit(), 40_000);
  `);
  const said = 'reconcile failed (exit code 1). It runs again in 0.1 seconds.';
  await until('two failed runs', () => running.errors().split(said).length > 2 || undefined);
});
