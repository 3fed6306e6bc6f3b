import { once } from 'node:events';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export interface TokenOptions {
  /** @default - the issuer's own */
  readonly key?: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
  /** As `SignJWT.setExpirationTime` takes it. @default '5m' */
  readonly expires?: string | number;
}

/** An OpenID Connect issuer on this machine, as far as its keys can be found and its tokens checked. */
export const startIssuer = async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const publicJwk = { ...(await exportJWK(publicKey)), kid: 'ours', alg: 'RS256' };
  let isUp = true;
  const server = createServer((request, response) => {
    if (!isUp) return response.writeHead(503).end();
    const keys = { keys: [publicJwk] };
    const reply = request.url?.endsWith('/jwks') ? keys : { issuer, jwks_uri: `${issuer}/jwks` };
    return response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(reply));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The issuer has no port');
  const issuer = `http://127.0.0.1:${address.port}`;

  return {
    issuer,
    publicJwk,
    privateKey,
    setUp: (up: boolean): void => {
      isUp = up;
    },
    /** A token for the audience `thumbnails`, unless the claims say otherwise. */
    token: (
      claims: JWTPayload = {},
      { key = privateKey, expires = '5m' }: TokenOptions = {},
    ): Promise<string> =>
      new SignJWT({ aud: 'thumbnails', ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'ours' })
        .setIssuer(claims.iss ?? issuer)
        .setIssuedAt()
        .setExpirationTime(expires)
        .sign(key),
    stop: (): void => {
      server.close();
      server.closeAllConnections();
    },
  };
};
