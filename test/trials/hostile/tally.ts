import { type Figure, zero } from '../report.ts';
import type { HostileInput } from './corpus.ts';
import type { Outcome } from './deliver.ts';

/** Counts the outcomes of the inputs. */
export const createTally = () => {
  const families = new Map<string, number>();
  const endings = new Map<string, number>();
  const costly = new Map<string, number>();
  const startedAt = performance.now();
  let tried = 0;
  let failed = 0;
  let presigned = 0;
  let overloaded = 0;
  let unanswered = 0;
  let serverErrors = 0;
  let slowest = { milliseconds: 0, what: 'none' };

  const add = (counts: Map<string, number>, name: string): void => {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  };

  const figuresOf = (what: string, counts: ReadonlyMap<string, number>): readonly Figure[] =>
    [...counts]
      .toSorted(([, one], [, other]) => other - one)
      .map(([name, value]) => ({ name: `${what} ${name}`, value }));

  return {
    count({ index, family, kind, route }: HostileInput, outcome: Outcome): void {
      const { ended, milliseconds, problems } = outcome;
      tried += 1;
      add(families, family);
      add(endings, ended);
      if (ended === 'decode-timeout' || ended === 'decode-memory') add(costly, `${ended}: ${kind}`);
      if (problems.length > 0) failed += 1;
      if (route === 'presigned') presigned += 1;
      if (ended === 'unanswered') unanswered += 1;
      if (problems.some((problem) => /^replied 5/.test(problem))) serverErrors += 1;
      overloaded += outcome.overloaded;
      if (milliseconds > slowest.milliseconds) slowest = { milliseconds, what: `${index}, ${kind}` };
    },
    failed: () => failed,
    figures: (): readonly Figure[] => [
      { name: 'inputs', value: tried },
      { name: 'inputs by presigned PUT', value: presigned },
      ...figuresOf('inputs of the family', families),
      ...figuresOf('ended as', endings),
      ...figuresOf('ended by', costly),
      { name: 'seconds', value: Math.round((performance.now() - startedAt) / 1000) },
      { name: 'slowest reply, ms', value: `${slowest.milliseconds} (${slowest.what})` },
      { name: 'refused at capacity and sent again', value: overloaded },
      zero('replies of 500 and more', serverErrors),
      zero('inputs without a reply in 300 s', unanswered),
    ],
  };
};
