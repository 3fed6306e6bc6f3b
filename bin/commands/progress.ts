import { Presets, SingleBar } from 'cli-progress';

/** Shorter work shows no progress. */
const quietMilliseconds = 1000;

/** How often a line is printed where there is no terminal. */
const lineMilliseconds = 5000;

export interface ProgressProps {
  readonly name: string;
  readonly total: number;
  /** Such as "3 of 10" or "30 %". */
  readonly describe: (done: number) => string;
}

export interface Progress {
  show(done: number): void;
  end(): void;
}

/** Shows on stderr how far a command is: a bar on a terminal, lines elsewhere. */
export const createProgress = (props: ProgressProps): Progress => {
  const startedAt = Date.now();
  const { show, end } = process.stderr.isTTY ? bar(props) : lines(props, startedAt);
  return {
    show: (done) => {
      if (Date.now() - startedAt >= quietMilliseconds) show(done);
    },
    end,
  };
};

const bar = ({ name, total, describe }: ProgressProps): Progress => {
  const single = new SingleBar(
    { format: `${name} {bar} {text}, about {eta_formatted} left`, clearOnComplete: true },
    Presets.shades_classic,
  );
  return {
    show: (done) => {
      const payload = { text: describe(done) };
      if (single.isActive) single.update(done, payload);
      else single.start(total, done, payload);
    },
    end: () => single.stop(),
  };
};

const lines = ({ name, describe }: ProgressProps, startedAt: number): Progress => {
  let nextAt = 0;
  return {
    show: (done) => {
      const now = Date.now();
      if (now < nextAt) return;
      nextAt = now + lineMilliseconds;
      console.error(`${name}: ${describe(done)} after ${Math.round((now - startedAt) / 1000)} s`);
    },
    end: () => {},
  };
};
