import { generateKeyPair, SignJWT } from 'jose';
import { createJwtGuard } from '../../../containers/jwt-guard.ts';
import type { Auth } from '../../../lambdas/ingest/auth.ts';
import type { Authenticate } from '../../../lambdas/runtime/caller.ts';
import type { Log } from '../../../lambdas/runtime/log.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables, valuesWith } from '../../environment.ts';
import { createTestApp } from '../../ingest-app.ts';
import { startIssuer, troubles } from '../../issuer.ts';

const audience = ['thumbnails'];
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() } satisfies Log;
let provider: Awaited<ReturnType<typeof startIssuer>>;
let server: Awaited<ReturnType<typeof startCatalogServer>>;

beforeAll(async () => {
  server = await startCatalogServer();
  Object.assign(process.env, {
    ...awsVariables(server),
  });
  provider = await startIssuer();
});

afterAll(async () => {
  provider.stop();
  await server.stop();
});

const appWith = (auth: Auth, links: 'public' | 'same', guard?: Authenticate) =>
  createTestApp(valuesWith(server, { auth, links }), log, { authenticate: guard });
const jwt = () => ({ jwt: { issuer: provider.issuer, audience, ownerClaim: 'sub' } });
const guardedApp = (links: 'public' | 'same' = 'public') =>
  appWith(jwt(), links, createJwtGuard(jwt().jwt, log));

const token: typeof provider.token = (...args) => provider.token(...args);
const bearer = (value: string) => ({ headers: { Authorization: `Bearer ${value}` } });
const unknown = `/images/${'a'.repeat(64)}`;

describe('a valid token', () => {
  test('opens the API', async () => {
    const response = await guardedApp().request(unknown, bearer(await token()));
    expect(response.status).toBe(404);
  });

  test('may have several audiences, or a client instead, as access tokens of Cognito do', async () => {
    const app = guardedApp();
    for (const claims of [{ aud: ['others', 'thumbnails'] }, { aud: undefined, client_id: 'thumbnails' }]) {
      expect((await app.request(unknown, bearer(await token(claims)))).status).toBe(404);
    }
  });
});

describe('a request is refused', () => {
  const expectUnauthorized = async (init: RequestInit, method = 'GET', path = unknown) => {
    const response = await guardedApp().request(path, { method, ...init });
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toBe('Bearer');
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    expect(JSON.parse(await response.text())).toMatchObject({ code: 'unauthorized', status: 401 });
  };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  test('without a token, on every guarded route', async () => {
    await expectUnauthorized({});
    await expectUnauthorized({ body: 'x' }, 'POST', '/upload_image');
    await expectUnauthorized({ body: 'x' }, 'POST', '/dev/upload_image');
    await expectUnauthorized({ body: '{}' }, 'POST', '/uploads');
    expect((await guardedApp().request(unknown, { method: 'HEAD' })).status).toBe(401);
  });

  test('with anything but a token', async () => {
    for (const value of ['Basic dXNlcjpwYXNz', 'Bearer', 'Bearer x', 'Bearer a.b.c', 'bearer   ..']) {
      await expectUnauthorized({ headers: { Authorization: value } });
    }
  });

  test('with an expired token', async () => {
    await expectUnauthorized(bearer(await token({}, { expires: Math.floor(Date.now() / 1000) - 10 })));
  });

  test('with a token of another issuer', async () => {
    await expectUnauthorized(bearer(await token({ iss: 'https://other.example' })));
  });

  test('with a token for another audience, or for none', async () => {
    await expectUnauthorized(bearer(await token({ aud: 'other' })));
    await expectUnauthorized(bearer(await token({ aud: undefined })));
    await expectUnauthorized(bearer(await token({ aud: 'other', client_id: 'thumbnails' })));
  });

  test('with a token signed by another key', async () => {
    await expectUnauthorized(bearer(await token({}, { key: (await generateKeyPair('RS256')).privateKey })));
  });

  test('with an unsigned token', async () => {
    const claims = { iss: provider.issuer, aud: 'thumbnails', exp: Math.floor(Date.now() / 1000) + 300 };
    await expectUnauthorized(bearer(`${part({ alg: 'none' })}.${part(claims)}.`));
    await expectUnauthorized(bearer(`${part({ alg: 'none', kid: 'ours' })}.${part(claims)}.AAAA`));
  });

  test('with a token signed with the public key as a secret', async () => {
    const secret = new TextEncoder().encode(JSON.stringify(provider.publicJwk));
    const claims = new SignJWT({ aud: 'thumbnails' }).setIssuer(provider.issuer).setExpirationTime('5m');
    await expectUnauthorized(
      bearer(await claims.setProtectedHeader({ alg: 'HS256', kid: 'ours' }).sign(secret)),
    );
  });

  test('with a modified token', async () => {
    const [header, , signature] = (await token()).split('.');
    const claims = { iss: provider.issuer, aud: 'thumbnails', exp: Math.floor(Date.now() / 1000) + 3000 };
    await expectUnauthorized(bearer(`${header}.${part(claims)}.${signature}`));
  });

  test('with a token that never expires', async () => {
    const forEver = new SignJWT({ aud: 'thumbnails' })
      .setIssuer(provider.issuer)
      .setProtectedHeader({ alg: 'RS256', kid: 'ours' });
    await expectUnauthorized(bearer(await forEver.sign(provider.privateKey)));
  });
});

describe('permanent links', () => {
  const link = `/thumbnails/${'a'.repeat(64)}`;

  test('are public unless the settings guard them', async () => {
    expect((await guardedApp('public').request(link)).status).toBe(404);
    expect((await guardedApp('same').request(link)).status).toBe(401);
    expect((await guardedApp('same').request(`${link}/thumbnail`)).status).toBe(401);
    expect((await guardedApp('same').request(link, bearer(await token()))).status).toBe(404);
  });
});

describe('the description', () => {
  test('is public, and describes the authentication', async () => {
    const { paths, components } = JSON.parse(await (await guardedApp().request('/openapi.json')).text());
    expect(components.securitySchemes.caller).toEqual({
      type: 'openIdConnect',
      openIdConnectUrl: `${provider.issuer}/.well-known/openid-configuration`,
    });
    expect(paths['/upload_image'].post.security).toEqual([{ caller: [] }]);
    expect(paths['/upload_image'].post.responses).toHaveProperty('401');
    expect(paths['/thumbnails/{id}'].get).not.toHaveProperty('security');
    expect(paths['/openapi.json'].get).not.toHaveProperty('security');
  });
});

describe('while the issuer does not work', () => {
  const kinds = Object.keys(troubles) as (keyof typeof troubles)[];
  const cases = kinds.flatMap((kind) => [[kind, 'configuration'] as const, [kind, 'jwks'] as const]);

  afterEach(() => {
    provider.recover();
    log.error.mockClear();
  });

  test.each(cases)(
    'a valid token gets 503 when it %s for its %s, and is good again afterwards',
    async (kind, what) => {
      const app = guardedApp();
      const init = bearer(await token());
      provider.fail(kind, what);
      const response = await app.request(unknown, init);
      expect(response.status).toBe(503);
      expect(response.headers.get('Retry-After')).toBe('1');
      expect(JSON.parse(await response.text())).toMatchObject({ code: 'issuer-unavailable', status: 503 });
      expect(log.error).toHaveBeenCalledWith('token issuer unreachable', expect.anything());
      expect(JSON.stringify([log.info.mock.calls, log.error.mock.calls])).not.toContain('eyJ');
      provider.recover();
      expect((await app.request(unknown, init)).status).toBe(404);
    },
    15_000,
  );

  test('a valid token also gets 503 when nothing listens there', async () => {
    const gone = await startIssuer();
    const init = bearer(await gone.token());
    gone.stop();
    const app = appWith(
      jwt(),
      'public',
      createJwtGuard({ issuer: gone.issuer, audience, ownerClaim: 'sub' }, log),
    );
    expect((await app.request(unknown, init)).status).toBe(503);
  });

  test('tokens with a known key stay valid, and invalid ones get 401', async () => {
    const app = guardedApp();
    const init = bearer(await token());
    expect((await app.request(unknown, init)).status).toBe(404);
    provider.fail('answers 500');
    for (let count = 0; count < 20; count += 1) expect((await app.request(unknown, init)).status).toBe(404);
    const { privateKey } = await generateKeyPair('RS256');
    expect((await app.request(unknown, bearer(await token({}, { key: privateKey })))).status).toBe(401);
    expect((await app.request(unknown, bearer('a.b.c'))).status).toBe(401);
    // Only the issuer knows whether this key exists.
    const foreign = bearer(await token({}, { key: privateKey, kid: 'foreign' }));
    expect((await app.request(unknown, foreign)).status).toBe(503);
  });

  test('requests to the issuer and log lines are limited', async () => {
    const app = guardedApp();
    const init = bearer(await token());
    provider.fail('answers 500');
    const before = provider.asked();
    const responses = await Promise.all(Array.from({ length: 300 }, () => app.request(unknown, init)));
    for (let count = 0; count < 100; count += 1) responses.push(await app.request(unknown, init));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([503]));
    expect(provider.asked() - before).toBeLessThanOrEqual(12);
    expect(log.error).toHaveBeenCalledTimes(1);
  });
});

describe('keys that the issuer changes', () => {
  const forged = async (kid: string) => {
    const { privateKey } = await generateKeyPair('RS256');
    return bearer(await token({}, { key: privateKey, kid }));
  };

  test('are found immediately, also after tokens with invented keys', async () => {
    const app = guardedApp();
    expect((await app.request(unknown, bearer(await token()))).status).toBe(404);
    const old = bearer(await token());
    const garbage = await Promise.all(Array.from({ length: 8 }, (_, index) => forged(`invented-${index}`)));
    for (const init of garbage) expect((await app.request(unknown, init)).status).toBe(401);
    await provider.rotate('second');
    const responses = await Promise.all(
      [bearer(await token()), ...garbage].map((init) => app.request(unknown, init)),
    );
    expect(responses.map(({ status }) => status)).toEqual([404, ...garbage.map(() => 401)]);
    // The old key is no longer published.
    expect((await app.request(unknown, old)).status).toBe(401);
  }, 30_000);

  test('many invented keys cause few requests to the issuer, and known keys do not wait for them', async () => {
    const app = guardedApp();
    const valid = bearer(await token());
    expect((await app.request(unknown, valid)).status).toBe(404);
    const init = await forged('invented');
    const garbage = await Promise.all(
      Array.from({ length: 200 }, (_, index) => token({}, { kid: `invented-${index}` })),
    );
    const before = provider.asked();
    const flood = Promise.all([init, ...garbage.map(bearer)].map((each) => app.request(unknown, each)));
    expect((await app.request(unknown, valid)).status).toBe(404);
    expect(new Set((await flood).map(({ status }) => status))).toEqual(new Set([401]));
    expect(provider.asked() - before).toBeLessThanOrEqual(12);
  });

  test('are not fetched for tokens that no key can make valid', async () => {
    const app = guardedApp();
    expect((await app.request(unknown, bearer(await token()))).status).toBe(404);
    const before = provider.asked();
    const wrong = await Promise.all([
      token({ aud: 'other' }, { kid: 'invented' }),
      token({ iss: 'https://other.example' }, { kid: 'invented' }),
      token({}, { kid: 'invented', expires: 1 }),
    ]);
    for (const each of [...wrong, 'a.b.c', 'bm8.bm8.bm8']) {
      expect((await app.request(unknown, bearer(each))).status).toBe(401);
    }
    expect(provider.asked()).toBe(before);
  });
});
