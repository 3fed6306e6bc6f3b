import { crc32 } from 'node:zlib';
import { createRandom, type Random } from '../random.ts';
import { type FaultKind, faultKinds, hangs, type Moment, momentsOf } from './fault.ts';
import { type OperationName, operations } from './operations.ts';

/** One fault of one operation, once as one that passes and once as one that outlasts the SDK's own retries. */
export interface Cell {
  /** For example `GetObject reset after lasting`. */
  readonly name: string;
  readonly operation: OperationName;
  readonly kind: FaultKind;
  readonly moment: Moment;
  readonly duration: 'passing' | 'lasting';
}

const durations = ['passing', 'lasting'] as const;

/** The whole matrix. What has no body cannot arrive by half. */
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

/** A cell that keeps its client waiting for as long as a client waits. */
export const isSlow = ({ operation, kind, duration }: Cell): boolean =>
  hangs(kind) && (duration === 'lasting' || operation === 'ReceiveMessage');

/** Every operation once and every kind at least once, from the cells that are over soon. */
export const sampleCells = (random: Random): readonly Cell[] => {
  const kinds = random.shuffled([...faultKinds, ...faultKinds]);
  return random.shuffled(operations).map(({ name }, index) => {
    const kind = kinds[index % kinds.length];
    const candidates = allCells.filter((cell) => cell.operation === name && !isSlow(cell));
    const ofKind = candidates.filter((cell) => cell.kind === kind);
    return random.pick(ofKind.length > 0 ? ofKind : candidates);
  });
};

/** A cell's own numbers, so that it can be run again without the others. */
export const randomOf = (seed: number, { name }: Cell): Random => createRandom((seed ^ crc32(name)) >>> 0);
