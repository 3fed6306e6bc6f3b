import * as z from 'zod';

const rule = '"none", "iam" or {"jwt": {"issuer": "https://…", "audience": ["…"], "ownerClaim": "sub"}}';

/**
 * Who may use the API. `iam`: callers whose AWS credentials allow `execute-api:Invoke`. `jwt`: callers with a
 * token from this OpenID Connect issuer for one of these audiences. Both own the images that they upload.
 */
export const authSchema = z
  .union(
    [
      z.enum(['none', 'iam']),
      z.strictObject({
        jwt: z.strictObject({
          // Keys sent unencrypted would open the API to anyone between here and the issuer.
          issuer: z.string().regex(/^(?:https:\/\/|http:\/\/127\.0\.0\.1[:/])\S+$/, 'an https:// URL'),
          audience: z.array(z.string().min(1)).min(1),
          /** The claim that names the caller who owns an image. */
          ownerClaim: z.string().min(1).default('sub'),
        }),
      }),
    ],
    { error: `expected ${rule}` },
  )
  .meta({ rule });
export type Auth = z.output<typeof authSchema>;

/** Permanent links are open to everyone who has one, or follow `auth` like all other routes. */
export const linksSchema = z
  .enum(['public', 'same'], 'expected "public" or "same"')
  .meta({ rule: '"public" or "same"' });
export type Links = z.output<typeof linksSchema>;

/**
 * Whether a link tells that its image was deleted. Where a link is for its image's owners alone, nobody owns
 * a deleted image.
 */
export const tellsDeletions = (auth: Auth, links: Links): boolean => auth === 'none' || links === 'public';

/** Whether `GET /` shows a page for uploads; null: where everyone may upload. */
export const uploadPageSchema = z
  .boolean('expected null, true or false')
  .nullable()
  .meta({ rule: 'null, true or false' });
