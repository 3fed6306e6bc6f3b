import * as z from 'zod';
import { callerOfToken, ownerOfArn } from '../owners/owner.ts';
import type { Authenticate } from '../runtime/caller.ts';
import type { Auth } from './auth.ts';
import { contextOf } from './http-api.ts';

/** What the authorizers of an HTTP API found out, in the payload format 2.0. */
const jwtContext = z.object({
  authorizer: z.object({ jwt: z.object({ claims: z.record(z.string(), z.unknown()) }) }),
});
const iamContext = z.object({ authorizer: z.object({ iam: z.object({ userArn: z.string().min(1) }) }) });

/** Reads the callers that API Gateway has verified. Undefined where everyone is anonymous. */
export const createGatewayCallers = (auth: Auth): Authenticate | undefined => {
  if (auth === 'none') return undefined;
  if (auth === 'iam') {
    return async (request) => {
      const { userArn } = iamContext.parse(contextOf(request)).authorizer.iam;
      return { kind: 'known', owner: ownerOfArn(userArn) };
    };
  }
  const { issuer, ownerClaim } = auth.jwt;
  return async (request) =>
    callerOfToken(issuer, ownerClaim, jwtContext.parse(contextOf(request)).authorizer.jwt.claims);
};
