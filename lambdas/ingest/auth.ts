import * as z from 'zod';

const accepted = '"none", "iam" or {"jwt": {"issuer": "https://…", "audience": ["…"]}}';

/**
 * How callers of the API authenticate. `iam`: with a signature by AWS credentials that allow
 * `execute-api:Invoke`. `jwt`: with a token of this OpenID Connect issuer for one of these audiences.
 */
export const authSchema = z.union(
  [
    z.enum(['none', 'iam']),
    z.strictObject({
      jwt: z.strictObject({
        // Anyone on the network path could replace keys that are fetched without encryption.
        issuer: z.string().regex(/^(?:https:\/\/|http:\/\/127\.0\.0\.1[:/])\S+$/, 'an https:// URL'),
        audience: z.array(z.string().min(1)).min(1),
      }),
    }),
  ],
  { error: `expected ${accepted}` },
);
export type Auth = z.output<typeof authSchema>;

/** Whether permanent links are public or follow `auth` like all other routes. */
export const linksSchema = z.enum(['public', 'same']);
export type Links = z.output<typeof linksSchema>;
