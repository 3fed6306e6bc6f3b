import { imageEventSchema } from '../image/event.ts';

/** A type of Glue. */
export type ScalarType = 'string' | 'bigint' | 'timestamp';

export interface Column {
  readonly name: string;
  /** A list of columns is a list of rows with these columns. */
  readonly type: ScalarType | readonly Column[];
  /** Its path in an event. Events without it have no value. */
  readonly from: readonly string[];
  readonly comment: string;
}

/**
 * The columns of one event, apart from its type and day, which are partitions. The deployed table, the rows
 * and the local table follow from this list. All numbers are wide, because an event with one that does not
 * fit would be an error.
 */
export const columns: readonly Column[] = [
  {
    name: 'schema_version',
    type: 'bigint',
    from: ['schemaVersion'],
    comment: 'Version of the event; raised when a field changes its meaning',
  },
  {
    name: 'event_id',
    type: 'string',
    from: ['eventId'],
    comment: 'Equal for all copies of an event: count it once',
  },
  { name: 'time', type: 'timestamp', from: ['time'], comment: 'When it happened, UTC' },
  { name: 'image_id', type: 'string', from: ['imageId'], comment: 'SHA-256 of the image' },
  {
    name: 'original_content_type',
    type: 'string',
    from: ['original', 'contentType'],
    comment: 'Media type, detected from the bytes',
  },
  { name: 'original_width', type: 'bigint', from: ['original', 'width'], comment: 'Pixels, upright' },
  { name: 'original_height', type: 'bigint', from: ['original', 'height'], comment: 'Pixels, upright' },
  { name: 'original_bytes', type: 'bigint', from: ['original', 'bytes'], comment: 'Size of the image' },
  {
    name: 'original_damage',
    type: 'string',
    from: ['original', 'damage'],
    comment: 'What is wrong with a damaged file; absent for sound ones',
  },
  {
    name: 'status',
    type: 'string',
    from: ['status'],
    comment: 'Duplicates: status of the image at that time',
  },
  { name: 'code', type: 'string', from: ['code'], comment: 'Failures: the reason' },
  {
    name: 'variant',
    type: 'string',
    from: ['variant'],
    comment: 'Served links: the thumbnail',
  },
  {
    name: 'thumbnails',
    type: [
      { name: 'variant', type: 'string', from: ['variant'], comment: 'Name of the variant' },
      { name: 'content_type', type: 'string', from: ['contentType'], comment: 'Media type' },
      { name: 'width', type: 'bigint', from: ['width'], comment: 'Pixels' },
      { name: 'height', type: 'bigint', from: ['height'], comment: 'Pixels' },
      { name: 'bytes', type: 'bigint', from: ['bytes'], comment: 'Size' },
    ],
    from: ['thumbnails'],
    comment: 'Ready images: all thumbnails',
  },
  {
    name: 'resize_milliseconds',
    type: 'bigint',
    from: ['resizeMilliseconds'],
    comment: 'Time to fetch, decode, encode and store',
  },
  {
    name: 'upload_to_ready_milliseconds',
    type: 'bigint',
    from: ['uploadToReadyMilliseconds'],
    comment: 'Time from the stored original to the last thumbnail; absent if unknown',
  },
];

/** A query reads only the partitions that it selects. */
export const partitionColumns = [
  { name: 'type', comment: 'What happened' },
  { name: 'dt', comment: 'UTC day on which it happened, for example 2026-11-23' },
] as const;

/** The partition of a row. */
export type Partition = Readonly<Record<(typeof partitionColumns)[number]['name'], string>>;

export const eventTypes: readonly string[] = imageEventSchema.options.map(({ shape }) => shape.type.value);

export const tableName = 'image_events';

/** A year, and a month to compare with the year before. */
export const keptDays = 400;

/** Prefixes in the bucket. */
export const lakePrefixes = { events: 'events/', errors: 'errors/', results: 'results/' } as const;

/** @returns for example `events/type=image.ready/dt=2026-11-23/` */
export const partitionPrefix = (partition: Partition): string =>
  `${lakePrefixes.events}${partitionColumns.map(({ name }) => `${name}=${partition[name]}/`).join('')}`;
