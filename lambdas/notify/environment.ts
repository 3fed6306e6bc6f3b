import { variantsSchema } from '../image/variant.ts';
import { baseUrl, type EnvironmentOf, json, text } from '../runtime/environment.ts';

/** Values that notify reads from its environment. */
export const notifyEnvironment = {
  catalogTable: text,
  mailRequestsTable: text,
  thumbnailBucket: text,
  variants: json(variantsSchema),
  /** Start of every link, with the stage. */
  apiUrl: baseUrl,
  /** The sender of mails. */
  mailFrom: text,
  mailConfigurationSet: text,
  stackName: text,
};

export type NotifyEnvironment = EnvironmentOf<typeof notifyEnvironment>;
