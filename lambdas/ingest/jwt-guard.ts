import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import { ImageError } from '../image/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Auth } from './auth.ts';
import { createIssuerKeys } from './issuer-keys.ts';

/** Lets a request pass, or throws ImageError `unauthorized` or `issuer-unavailable`. */
export type Guard = (request: Request) => Promise<void>;

/** API Gateway's JWT authoriser takes RSA signatures only (HTTP API developer guide); so does this one. */
const algorithms = ['RS256', 'RS384', 'RS512'];

/**
 * Checks tokens as API Gateway's JWT authoriser does, for a service that stands behind none: signature, issuer,
 * audience (`aud`, or `client_id` where there is none), and time.
 */
export const createJwtGuard = ({ issuer, audience }: Extract<Auth, object>['jwt'], log: Log): Guard => {
  const getKey = createIssuerKeys(issuer, log);

  const isMeantForUs = ({ aud, client_id: clientId }: JWTPayload): boolean =>
    [aud ?? clientId].flat().some((one) => typeof one === 'string' && audience.includes(one));

  const isPlausible = (token: string): boolean => {
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
    if (token === undefined) throw new ImageError('unauthorized', 'Send a token: "Authorization: Bearer …".');
    // What cannot be valid, whoever signed it, must not make us ask the issuer.
    if (!isPlausible(token)) throw new ImageError('unauthorized', 'The token is not valid here.');
    if (!isMeantForUs(decodeJwt(token)))
      throw new ImageError('unauthorized', 'The token is meant for another audience.');
    try {
      await jwtVerify(token, getKey, { issuer, algorithms, requiredClaims: ['exp'] });
    } catch (error) {
      // What jose cannot verify is the caller's fault; that the issuer does not answer is an ImageError by now.
      if (!(error instanceof errors.JOSEError)) throw error;
      throw new ImageError('unauthorized', 'The token is not valid here.', { cause: error });
    }
  };
};
