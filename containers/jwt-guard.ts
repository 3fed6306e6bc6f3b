import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Auth } from '../lambdas/ingest/auth.ts';
import { callerOfToken } from '../lambdas/owners/owner.ts';
import type { Authenticate } from '../lambdas/runtime/caller.ts';
import type { Log } from '../lambdas/runtime/log.ts';
import { RequestError } from '../lambdas/runtime/request-error.ts';
import { createIssuerKeys } from './issuer-keys.ts';

/**
 * API Gateway's JWT authorizer accepts RSA signatures only (HTTP API developer guide), and so does this one.
 */
const algorithms = ['RS256', 'RS384', 'RS512'];

/**
 * Checks tokens as API Gateway's JWT authorizer does: signature, issuer, audience (`aud`, or else
 * `client_id`) and expiry.
 */
export const createJwtGuard = (
  { issuer, audience, ownerClaim }: Extract<Auth, object>['jwt'],
  log: Log,
): Authenticate => {
  const getKey = createIssuerKeys(issuer, log);

  const hasAudience = ({ aud, client_id: clientId }: JWTPayload): boolean =>
    [aud ?? clientId].flat().some((one) => typeof one === 'string' && audience.includes(one));

  const couldBeValid = (token: string): boolean => {
    try {
      const { alg = '' } = decodeProtectedHeader(token);
      const { iss, exp = 0 } = decodeJwt(token);
      return algorithms.includes(alg) && iss === issuer && exp * 1000 > Date.now();
    } catch {
      return false;
    }
  };

  return async (request) => {
    const [, token] =
      /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(request.headers.get('Authorization') ?? '') ?? [];
    if (token === undefined)
      throw new RequestError('unauthorized', 'Send a token as "Authorization: Bearer …".');
    // A token that no key can make valid must not cause a request to the issuer.
    if (!couldBeValid(token)) throw new RequestError('unauthorized', 'The token is not valid for this API.');
    if (!hasAudience(decodeJwt(token)))
      throw new RequestError('unauthorized', 'The token is for another audience.');
    try {
      const { payload } = await jwtVerify(token, getKey, { issuer, algorithms, requiredClaims: ['exp'] });
      return callerOfToken(issuer, ownerClaim, payload);
    } catch (error) {
      // An error of jose is about the token. An unreachable issuer is a RequestError.
      if (!(error instanceof errors.JOSEError)) throw error;
      throw new RequestError('unauthorized', 'The token is not valid for this API.', { cause: error });
    }
  };
};
