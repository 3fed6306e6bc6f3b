import * as z from 'zod';

const accepted = '"none", "iam" or {"jwt": {"issuer": "https://…", "audience": ["…"]}}';

/**
 * Who may use the API. `iam`: whoever signs with AWS credentials that allow `execute-api:Invoke`. `jwt`: whoever has a
 * token of this OpenID Connect issuer that is meant for one of these audiences.
 */
export const authSchema = z.union(
  [
    z.enum(['none', 'iam']),
    z.strictObject({
      jwt: z.strictObject({
        // Keys that came unencrypted from elsewhere would open the API to whoever is in between.
        issuer: z.string().regex(/^(?:https:\/\/|http:\/\/127\.0\.0\.1[:/])\S+$/, 'an https:// URL'),
        audience: z.array(z.string().min(1)).min(1),
      }),
    }),
  ],
  { error: `expected ${accepted}` },
);
export type Auth = z.output<typeof authSchema>;

/** Whether permanent links are open to whoever knows them, or follow `auth` as all else does. */
export const linksSchema = z.enum(['public', 'same']);
export type Links = z.output<typeof linksSchema>;
