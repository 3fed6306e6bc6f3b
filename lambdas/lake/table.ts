import { imageEventSchema } from '../image/event.ts';

/** By its name in Glue. */
export type ScalarType = 'string' | 'bigint' | 'timestamp';

export interface Column {
  readonly name: string;
  /** Of a list: the columns of each of its items. */
  readonly type: ScalarType | readonly Column[];
  /** Where an event has it; absent in events that do not. */
  readonly from: readonly string[];
  readonly comment: string;
}

/**
 * One row for each event, but for `type` and the day, which are partitions. The deployed table, the rows that are written
 * and the table that is read on this machine all follow from this list; that no field of an event is forgotten is tested.
 * All numbers are wide: one that did not fit would send its event to the errors.
 */
export const columns: readonly Column[] = [
  {
    name: 'schema_version',
    type: 'bigint',
    from: ['schemaVersion'],
    comment: 'Of the event; raised when a field changes its meaning',
  },
  {
    name: 'event_id',
    type: 'string',
    from: ['eventId'],
    comment: 'The same for every copy of an event: count it once',
  },
  { name: 'time', type: 'timestamp', from: ['time'], comment: 'When it happened, UTC' },
  { name: 'image_id', type: 'string', from: ['imageId'], comment: 'SHA-256 of the image' },
  {
    name: 'original_content_type',
    type: 'string',
    from: ['original', 'contentType'],
    comment: 'Judged by the bytes',
  },
  { name: 'original_width', type: 'bigint', from: ['original', 'width'], comment: 'Upright, in pixels' },
  { name: 'original_height', type: 'bigint', from: ['original', 'height'], comment: 'Upright, in pixels' },
  { name: 'original_bytes', type: 'bigint', from: ['original', 'bytes'], comment: 'Size of the image' },
  {
    name: 'status',
    type: 'string',
    from: ['status'],
    comment: 'Of a duplicate: what had come of the image by then',
  },
  { name: 'code', type: 'string', from: ['code'], comment: 'Of a failure: why' },
  {
    name: 'variant',
    type: 'string',
    from: ['variant'],
    comment: 'Of a link that was served: which thumbnail',
  },
  {
    name: 'thumbnails',
    type: [
      { name: 'variant', type: 'string', from: ['variant'], comment: 'Name of the variant' },
      { name: 'content_type', type: 'string', from: ['contentType'], comment: 'Media type' },
      { name: 'width', type: 'bigint', from: ['width'], comment: 'In pixels' },
      { name: 'height', type: 'bigint', from: ['height'], comment: 'In pixels' },
      { name: 'bytes', type: 'bigint', from: ['bytes'], comment: 'Size' },
    ],
    from: ['thumbnails'],
    comment: 'Of an image that is ready: all that were made',
  },
  {
    name: 'resize_milliseconds',
    type: 'bigint',
    from: ['resizeMilliseconds'],
    comment: 'Fetching, decoding, encoding and storing',
  },
  {
    name: 'upload_to_ready_milliseconds',
    type: 'bigint',
    from: ['uploadToReadyMilliseconds'],
    comment: 'From the stored original to the last thumbnail; absent when nobody knows it',
  },
];

/** A partition that a query does not ask for is not read. */
export const partitionColumns = [
  { name: 'type', comment: 'What happened' },
  { name: 'dt', comment: 'UTC day on which it happened, as 2026-11-23' },
] as const;

/** Which partition a row belongs to. */
export type Partition = Readonly<Record<(typeof partitionColumns)[number]['name'], string>>;

export const eventTypes: readonly string[] = imageEventSchema.options.map(({ shape }) => shape.type.value);

export const tableName = 'image_events';

/** How long events are kept: a year, and a month to compare it with. */
export const keptDays = 400;

/** Where in the bucket everything is. */
export const lakePrefixes = { events: 'events/', errors: 'errors/', results: 'results/' } as const;

/** @returns for example `events/type=image.ready/dt=2026-11-23/` */
export const partitionPrefix = (partition: Partition): string =>
  `${lakePrefixes.events}${partitionColumns.map(({ name }) => `${name}=${partition[name]}/`).join('')}`;
