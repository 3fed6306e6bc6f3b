import * as z from 'zod';
import { callerOfToken, ownerOfArn, ownerOfCognitoIdentity } from '../owners/owner.ts';
import type { Authenticate } from '../runtime/caller.ts';
import type { Auth } from './auth.ts';
import { contextOf } from './http-api.ts';

/** What the authorizers of an HTTP API found out, in the payload format 2.0. */
const jwtContext = z.object({
  authorizer: z.object({ jwt: z.object({ claims: z.record(z.string(), z.unknown()) }) }),
});
const iamContext = z.object({
  authorizer: z.object({
    iam: z.object({
      userArn: z.string().min(1),
      /** Only of a caller with credentials from a Cognito identity pool. */
      cognitoIdentity: z.object({ identityId: z.string().min(1) }).nullish(),
    }),
  }),
});

/** Reads the callers that API Gateway has verified. Undefined where everyone is anonymous. */
export const createGatewayCallers = (auth: Auth): Authenticate | undefined => {
  if (auth === 'none') return undefined;
  if (auth === 'iam') {
    return async (request) => {
      const { userArn, cognitoIdentity } = iamContext.parse(contextOf(request)).authorizer.iam;
      const owner = cognitoIdentity
        ? ownerOfCognitoIdentity(cognitoIdentity.identityId)
        : ownerOfArn(userArn);
      return { kind: 'known', owner };
    };
  }
  const { issuer, ownerClaim } = auth.jwt;
  return async (request) =>
    callerOfToken(issuer, ownerClaim, jwtContext.parse(contextOf(request)).authorizer.jwt.claims);
};
