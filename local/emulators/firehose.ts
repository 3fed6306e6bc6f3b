import { randomUUID } from 'node:crypto';
import { placeEvent } from '../../lambdas/lake/row.ts';
import { lakePrefixes, partitionPrefix } from '../../lambdas/lake/table.ts';

export interface LakeDeliveryProps {
  /** Stores an object in the lake's bucket. */
  readonly put: (key: string, text: string) => Promise<void>;
  /** The most messages in one batch. */
  readonly maxMessages: number;
  /** How long a batch waits for more messages. */
  readonly waitMilliseconds: number;
}

/** Resolves once the message is stored. */
export type Deliver = (body: string) => Promise<void>;

interface Batch {
  readonly bodies: string[];
  readonly stored: PromiseWithResolvers<void>;
  readonly due: NodeJS.Timeout;
}

/**
 * Stands in for Firehose: collects messages and writes one object for each partition, with the same rows
 * under the same prefixes. A message that is no event goes under the error prefix. The objects are lines of
 * JSON instead of Parquet.
 */
export const createLakeDelivery = ({ put, maxMessages, waitMilliseconds }: LakeDeliveryProps): Deliver => {
  let batch: Batch | undefined;

  const begin = (): Batch => ({
    bodies: [],
    stored: Promise.withResolvers(),
    due: setTimeout(flush, waitMilliseconds),
  });

  const flush = (): void => {
    if (batch === undefined) return;
    const { bodies, stored, due } = batch;
    batch = undefined;
    clearTimeout(due);
    const puts = Object.entries(objectsOf(bodies, new Date())).map(([prefix, lines]) =>
      put(`${prefix}${randomUUID()}.json`, lines.join('')),
    );
    Promise.all(puts).then(() => stored.resolve(), stored.reject);
  };

  return (body) => {
    batch ??= begin();
    const { bodies, stored } = batch;
    bodies.push(body);
    if (bodies.length >= maxMessages) flush();
    return stored.promise;
  };
};

/** The lines of each object, by prefix. */
const objectsOf = (bodies: readonly string[], now: Date): Readonly<Record<string, string[]>> => {
  const objects: Record<string, string[]> = {};
  for (const body of bodies) {
    const [prefix, content] = placeOf(body, now);
    objects[prefix] ??= [];
    objects[prefix].push(`${JSON.stringify(content)}\n`);
  }
  return objects;
};

const placeOf = (body: string, now: Date): readonly [prefix: string, content: unknown] => {
  const placed = placeEvent(body, now);
  if ('row' in placed) return [partitionPrefix(placed.partition), placed.row];
  const rawData = Buffer.from(body).toString('base64');
  return [
    `${lakePrefixes.errors}processing-failed/${now.toISOString().slice(0, 10)}/`,
    { errorMessage: placed.refusal, rawData },
  ];
};
