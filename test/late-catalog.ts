import type { Catalog } from '../lambdas/aws/catalog.ts';

type WithoutBefore<Method> = Method extends (
  id: infer Id,
  before: infer _,
  ...rest: infer Rest
) => infer Result
  ? (id: Id, ...rest: Rest) => Result
  : never;

/** A catalog as workers use it, each of which reads the record of an image just before it changes it. */
export type LateCatalog = Omit<Catalog, 'finish' | 'noteSlowLane' | 'fail'> & {
  readonly [Name in 'finish' | 'noteSlowLane' | 'fail']: WithoutBefore<Catalog[Name]>;
};

export const lateCatalog = (catalog: Catalog): LateCatalog => ({
  ...catalog,
  finish: async (id, ...rest) => catalog.finish(id, await catalog.find(id), ...rest),
  noteSlowLane: async (id, ...rest) => catalog.noteSlowLane(id, await catalog.find(id), ...rest),
  fail: async (id, ...rest) => catalog.fail(id, await catalog.find(id), ...rest),
});
