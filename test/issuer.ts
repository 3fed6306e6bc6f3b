import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export interface TokenOptions {
  /** @default - the issuer's own */
  readonly key?: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
  /** The key's id. @default - the issuer's own */
  readonly kid?: string;
  /** An argument of `SignJWT.setExpirationTime`. @default '5m' */
  readonly expires?: string | number;
}

/** Replies of a broken issuer. */
export const troubles = {
  'answers 500': (_, response) => response.writeHead(500).end(),
  'answers with a page': (_, response) =>
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>Sign in</title>'),
  'leads in a circle': (request, response) => response.writeHead(302, { Location: request.url ?? '/' }).end(),
  'answers with other JSON': (_, response) => response.writeHead(200).end('{"keys": "none"}'),
  'closes the connection': (request) => request.socket.destroy(),
  'never answers': () => {},
  'sends without end': (_, response) => {
    const timer = setInterval(() => response.write('{"a":"'.padEnd(200_000)), 5);
    response.once('close', () => clearInterval(timer));
  },
} as const satisfies Record<string, (request: IncomingMessage, response: ServerResponse) => unknown>;

/** An OpenID Connect issuer on this machine: only its configuration, its keys and its tokens. */
export const startIssuer = async () => {
  const keyCalled = async (kid: string) => {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256' } };
  };
  let current = await keyCalled('ours');
  const { publicJwk, privateKey } = current;
  let trouble: { readonly path: string; readonly kind: keyof typeof troubles } | undefined;
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    if (trouble !== undefined && request.url?.endsWith(trouble.path)) {
      return troubles[trouble.kind](request, response);
    }
    const keys = { keys: [current.publicJwk] };
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
    /** How many requests it has received. */
    asked: () => asked,
    /** Breaks it: from now on its configuration and keys cannot be fetched. */
    fail: (kind: keyof typeof troubles, what: 'configuration' | 'jwks' = 'configuration'): void => {
      trouble = { kind, path: what };
    },
    recover: (): void => {
      trouble = undefined;
    },
    /** Replaces the signing key, and publishes only the new one. */
    rotate: async (kid: string): Promise<void> => {
      current = await keyCalled(kid);
    },
    /** A token of one person for the audience `thumbnails`, unless the claims say otherwise. */
    token: (
      claims: JWTPayload = {},
      { key = current.privateKey, kid = current.kid, expires = '5m' }: TokenOptions = {},
    ): Promise<string> =>
      new SignJWT({ aud: 'thumbnails', sub: 'somebody', ...claims })
        .setProtectedHeader({ alg: 'RS256', kid })
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
