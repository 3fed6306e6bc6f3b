import { until } from '../local/local-run.ts';
import { cleanUp, project, resume, startProcess, suspend } from '../local/processes.ts';

jest.setTimeout(60_000);

afterEach(cleanUp);

/** A process that starts the watchdog and then runs the text of a module. */
const watched = (script: string) =>
  startProcess(
    [
      process.execPath,
      '--input-type=module',
      '--eval',
      `import { startWatchdog } from './containers/watchdog.ts';
      startWatchdog('ingest');
      const block = (milliseconds) => { for (const end = Date.now() + milliseconds; Date.now() < end; ); };
      const turn = () => new Promise((resolve) => setTimeout(resolve, 600));
      ${script}`,
    ],
    { folder: project, environment: {} },
  );

test('ends a process with a blocked event loop, and logs one line', async () => {
  const blocked = watched('process.on("SIGTERM", () => {}); block(Infinity);');
  expect(await blocked.ended).toBe('SIGKILL');
  const lines = blocked.errors().trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      level: 'ERROR',
      message: 'the event loop is blocked, so the process is ended',
      timestamp: expect.stringMatching(/^\d{4}-/),
      service: 'ingest',
    },
  ]);
});

test('does not end a busy or suspended process, nor keep a finished one alive', async () => {
  const busy = watched('for (let times = 0; times < 4; times += 1) { block(4000); await turn(); }');
  const held = watched('console.log("runs"); for (let times = 0; times < 20; times += 1) await turn();');
  await until('its start', () => held.out().includes('runs') || undefined);
  suspend(held.pid);
  await new Promise((resolve) => setTimeout(resolve, 13_000));
  expect(held.hasEnded()).toBe(false);
  resume(held.pid);
  expect(await Promise.all([busy.ended, held.ended])).toEqual([0, 0]);
  expect(busy.errors() + held.errors()).toBe('');
});
