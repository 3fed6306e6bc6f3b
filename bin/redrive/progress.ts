import { Presets, SingleBar } from 'cli-progress';

/** Where there is no terminal, a line tells of every so many. */
const lineEvery = 100;

export interface Progress {
  show(done: number): void;
  end(): void;
}

/** Says how far it is: by a bar on a terminal, by lines anywhere else. */
export const createProgress = (what: string, total: number): Progress => {
  if (!process.stderr.isTTY) {
    let lines = 0;
    return {
      show: (done) => {
        if (Math.floor(done / lineEvery) <= lines) return;
        lines = Math.floor(done / lineEvery);
        console.error(`${what}: ${done} of ${total}`);
      },
      end: () => {},
    };
  }
  const bar = new SingleBar(
    { format: `${what} {bar} {value} of {total}, about {eta_formatted} left` },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return { show: (done) => bar.update(done), end: () => bar.stop() };
};
