import { Presets, SingleBar } from 'cli-progress';

/** What is done sooner needs no progress. */
const quietMilliseconds = 1000;

/** Where there is no terminal, how often a line tells. */
const lineMilliseconds = 5000;

export interface Progress {
  show(percent: number): void;
  end(): void;
}

/** Says on stderr how far a scan is, if it takes long: by a bar on a terminal, by lines anywhere else. */
export const createProgress = (what: string): Progress => {
  const start = Date.now();
  if (!process.stderr.isTTY) {
    let lines = 0;
    return {
      show: (percent) => {
        const milliseconds = Date.now() - start;
        const due = Math.floor((milliseconds - quietMilliseconds) / lineMilliseconds) + 1;
        if (milliseconds < quietMilliseconds || due <= lines) return;
        lines = due;
        console.error(`${what}: ${Math.floor(percent)} % after ${Math.round(milliseconds / 1000)} s`);
      },
      end: () => {},
    };
  }
  let bar: SingleBar | undefined;
  return {
    show: (percent) => {
      if (Date.now() - start < quietMilliseconds) return;
      if (bar === undefined) {
        bar = new SingleBar(
          { format: `${what} {bar} {percentage} % after {duration_formatted}`, clearOnComplete: true },
          Presets.shades_classic,
        );
        bar.start(100, 0);
      }
      bar.update(Math.floor(percent));
    },
    end: () => bar?.stop(),
  };
};
