import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import * as z from 'zod';
import { ImageError } from '../image/errors.ts';
import type { Auth } from './auth.ts';

/** Lets a request pass, or throws ImageError `unauthorized`. */
export type Guard = (request: Request) => Promise<void>;

/** OpenID Connect Discovery 1.0, section 4. */
const discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** API Gateway's JWT authoriser takes RSA signatures only (HTTP API developer guide); so does this one. */
const algorithms = ['RS256', 'RS384', 'RS512'];

/**
 * Checks tokens as API Gateway's JWT authoriser does, for a service that stands behind none: signature, issuer,
 * audience (`aud`, or `client_id` where there is none), and time.
 */
export const createJwtGuard = ({ issuer, audience }: Extract<Auth, object>['jwt']): Guard => {
  let keys: Promise<JWTVerifyGetKey> | undefined;

  const discover = async (): Promise<JWTVerifyGetKey> => {
    const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
      signal: AbortSignal.timeout(5000),
    });
    if (!response.ok) throw new Error(`${issuer} answers ${response.status} instead of its configuration`);
    const configuration = discovery.parse(await response.json());
    if (configuration.issuer !== issuer) throw new Error(`${issuer} calls itself ${configuration.issuer}`);
    return createRemoteJWKSet(new URL(configuration.jwks_uri));
  };

  const keysOfIssuer = (): Promise<JWTVerifyGetKey> => {
    keys ??= discover().catch((error) => {
      // A failure is not kept: the next request asks again.
      keys = undefined;
      throw error;
    });
    return keys;
  };

  const isMeantForUs = ({ aud, client_id: clientId }: JWTPayload): boolean =>
    [aud ?? clientId].flat().some((one) => typeof one === 'string' && audience.includes(one));

  return async (request) => {
    const [, token] =
      /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(request.headers.get('Authorization') ?? '') ?? [];
    if (token === undefined) throw new ImageError('unauthorized', 'Send a token: "Authorization: Bearer …".');
    const getKey = await keysOfIssuer();
    try {
      const { payload } = await jwtVerify(token, getKey, { issuer, algorithms, requiredClaims: ['exp'] });
      if (isMeantForUs(payload)) return;
    } catch (error) {
      // What jose cannot verify is the caller's fault; that it cannot fetch the keys is not.
      if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout) throw error;
      throw new ImageError('unauthorized', 'The token is not valid here.', { cause: error });
    }
    throw new ImageError('unauthorized', 'The token is meant for another audience.');
  };
};
