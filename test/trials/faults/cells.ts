import { crc32 } from 'node:zlib';
import { createRandom, type Random } from '../random.ts';
import { type FaultKind, faultKinds, hangs, type Moment, momentsOf } from './fault.ts';
import { type OperationName, operations } from './operations.ts';

/** One fault of one operation: brief, or lasting longer than the retries of the SDK. */
export interface Cell {
  /** For example `GetObject reset after lasting`. */
  readonly name: string;
  readonly operation: OperationName;
  readonly kind: FaultKind;
  readonly moment: Moment;
  readonly duration: 'passing' | 'lasting';
}

const durations = ['passing', 'lasting'] as const;

/** The whole matrix. A request without a body has no half. */
export const allCells: readonly Cell[] = operations.flatMap(({ name: operation, hasBody }) =>
  faultKinds.flatMap((kind) =>
    momentsOf[kind]
      .filter((moment) => hasBody || moment !== 'during')
      .flatMap((moment) =>
        durations.map((duration) => ({
          name: `${operation} ${kind} ${moment} ${duration}`,
          operation,
          kind,
          moment,
          duration,
        })),
      ),
  ),
);

/** Operations of the deletion worker alone. */
export const isOfDeletion = ({ operation }: Cell): boolean =>
  operation === 'DeleteObject' || operation === 'ListVersions';

/** A cell whose client waits until its timeout, or whose deletion begins again when its lease has ended. */
export const isSlow = (cell: Cell): boolean => {
  const { operation, kind, duration } = cell;
  return (
    (hangs(kind) && (duration === 'lasting' || operation === 'ReceiveMessage')) ||
    (isOfDeletion(cell) && (hangs(kind) || duration === 'lasting'))
  );
};

/** Every operation once and every kind at least once, from the fast cells. */
export const sampleCells = (random: Random): readonly Cell[] => {
  const kinds = random.shuffled([...faultKinds, ...faultKinds]);
  return random.shuffled(operations).map(({ name }, index) => {
    const kind = kinds[index % kinds.length];
    const candidates = allCells.filter((cell) => cell.operation === name && !isSlow(cell));
    const ofKind = candidates.filter((cell) => cell.kind === kind);
    return random.pick(ofKind.length > 0 ? ofKind : candidates);
  });
};

/** The random numbers of a cell, so that it can run again without the others. */
export const randomOf = (seed: number, { name }: Cell): Random => createRandom((seed ^ crc32(name)) >>> 0);
