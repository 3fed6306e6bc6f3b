import { retentionSchema } from '../image/retention.ts';
import { type EnvironmentOf, json, text, wholeNumber } from '../runtime/environment.ts';

/** Values that the deletion worker reads from its environment. */
export const deleteEnvironment = {
  rawBucket: text,
  thumbnailBucket: text,
  catalogTable: text,
  deleteQueueUrl: text,
  imageEventsTopicArn: text,
  stackName: text,
  /** How long the catalog remembers that an image was deleted. */
  deletedDays: wholeNumber,
  /** An arrival replaces an original that has expired. */
  retention: json(retentionSchema),
  resizeQueueUrl: text,
  /** Who owns which image. @default - everyone is anonymous */
  ownersTable: text.optional(),
  /** @default - mail is off */
  mailRequestsTable: text.optional(),
};

export type DeleteEnvironment = EnvironmentOf<typeof deleteEnvironment>;
