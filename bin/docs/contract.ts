import { imageEventSchema } from '../../lambdas/image/event.ts';
import { problemKinds } from '../../lambdas/ingest/problem.ts';
import { code, table } from './table.ts';

/** Every error code of the API, by status. */
export const errorCodesTable = (): string =>
  table(
    ['`code`', 'Status', 'Meaning'],
    Object.entries(problemKinds)
      .toSorted(([, one], [, other]) => one.status - other.status)
      .map(([name, { status, title }]) => [code(name), status, title]),
  );

/** Every event of the topic, with the fields that each has besides those of all events. */
export const eventsTable = (): string => {
  const events = imageEventSchema.options.map(({ shape, description = '' }) => ({
    type: [...shape.type.values].join(),
    fields: Object.keys(shape),
    description,
  }));
  const inAll = (field: string) => events.every(({ fields }) => fields.includes(field));
  return table(
    ['`type`', 'Published when', 'Fields of its own'],
    events.map(({ type, fields, description }) => [
      code(type),
      description,
      fields
        .filter((field) => !inAll(field))
        .map(code)
        .join(', '),
    ]),
  );
};
