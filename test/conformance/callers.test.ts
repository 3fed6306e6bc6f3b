import { decodeJwt } from 'jose';
import * as z from 'zod';
import { ingestContainerEnvironment } from '../../containers/environment.ts';
import { imageIdOf } from '../../lambdas/image/id.ts';
import type { Auth } from '../../lambdas/ingest/auth.ts';
import { ingestEnvironment } from '../../lambdas/ingest/environment.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import { readSettings } from '../../lib/settings.ts';
import { awsEnvironment } from '../../local/aws.ts';
import { valuesFor } from '../../local/environments.ts';
import { endpointOf, isListening } from '../../local/ports.ts';
import { differentPictures } from '../images.ts';
import { startIssuer } from '../issuer.ts';
import { type AwsClients, awsClients, credentialsOf } from '../local/aws-clients.ts';
import { freePort, type LocalRun, startLocal, until } from '../local/local-run.ts';
import { cleanUp, startNode, temporaryFolder } from '../local/processes.ts';
import { type Reply, replySchema } from '../reply.ts';
import { type ApiReply, type ByteRequest, comparable, type Send } from './exchange.ts';
import { gatewayUrl, overHttp, throughGateway } from './targets.ts';

/** Callers who own what they upload, in all three targets: with tokens, and with IAM in the function. */

jest.setTimeout(120_000);

interface Target {
  readonly name: string;
  readonly apiUrl: string;
  readonly send: Send;
}

const names = ['npm start', 'container', 'function with tokens', 'function with IAM'] as const;

let issuer: Awaited<ReturnType<typeof startIssuer>>;
let local: LocalRun;
let aws: AwsClients;
let targets: ReadonlyMap<string, Target>;

/** The function as Lambda loads it, with what the authorizer of API Gateway finds out about each request. */
const functionWith = async (
  values: Parameters<typeof writeEnvironment<typeof ingestEnvironment>>[1],
  authorizerOf: (request: ByteRequest) => object,
): Promise<Send> => {
  Object.assign(process.env, writeEnvironment(ingestEnvironment, values));
  let send: Send | undefined;
  await jest.isolateModulesAsync(async () => {
    const { handler } = await import('../../lambdas/ingest/index.ts');
    send = throughGateway(handler, authorizerOf);
  });
  if (send === undefined) throw new Error('The function was not loaded.');
  return send;
};

const tokenOf = ({ headers = {} }: ByteRequest): string =>
  headers['Authorization']?.replace('Bearer ', '') ?? '';

beforeAll(async () => {
  issuer = await startIssuer();
  const given = { auth: { jwt: { issuer: issuer.issuer, audience: ['thumbnails'] } }, links: 'same' };
  const args = Object.entries(given).flatMap(([name, value]) => [
    '-c',
    `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  ]);
  local = startLocal({ folder: await temporaryFolder(), port: await freePort(), args });
  await local.ready();
  aws = awsClients(local);
  const variables = {
    ...awsEnvironment(local.ports, credentialsOf(local)),
    POWERTOOLS_METRICS_DISABLED: 'true',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  };
  Object.assign(process.env, variables);
  const values = valuesFor(local.ports, readSettings(given));
  const port = await freePort();
  startNode('containers/ingest.ts', {
    folder: await temporaryFolder(),
    environment: { ...variables, ...writeEnvironment(ingestContainerEnvironment, { ...values, port }) },
  });
  await until('the container', async () => (await isListening(port)) || undefined);
  const over = (apiUrl: string) => ({ apiUrl, send: overHttp(apiUrl) });
  const withTokens = await functionWith(values, (request) => ({
    jwt: { claims: decodeJwt(tokenOf(request)), scopes: null },
  }));
  const iam: Auth = 'iam';
  // API Gateway knows users by the signatures of their requests.
  const withIam = await functionWith({ ...values, auth: iam }, (request) => ({
    iam: { userArn: `arn:aws:iam::111122223333:user/${decodeJwt(tokenOf(request)).sub}` },
  }));
  targets = new Map(
    [
      { name: names[0], ...over(`${endpointOf(local.ports.api)}/dev`) },
      { name: names[1], ...over(`${endpointOf(port)}/dev`) },
      { name: names[2], apiUrl: gatewayUrl, send: withTokens },
      { name: names[3], apiUrl: gatewayUrl, send: withIam },
    ].map((target) => [target.name, target]),
  );
});

afterAll(async () => {
  issuer.stop();
  await cleanUp();
});

const picture = differentPictures(80, 'jpeg');

/** What a person may do with a target. Each target has people of its own. */
const personAt = (name: string, person: string) => {
  const target = targets.get(name);
  if (target === undefined) throw new Error(`There is no ${name}.`);
  const send = async (method: string, path: string, body: Buffer = Buffer.alloc(0), headers = {}) =>
    target.send({
      method,
      path,
      body,
      headers: { ...headers, Authorization: `Bearer ${await issuer.token({ sub: `${person} at ${name}` })}` },
    });
  const announce = (id: string) =>
    send('POST', '/uploads', Buffer.from(JSON.stringify({ sha256: id, bytes: 1000 })), {
      'Content-Type': 'application/json',
    });
  return {
    target,
    send,
    announce,
    post: (bytes: Buffer) =>
      send('POST', '/upload_image', bytes, { 'Content-Type': 'image/jpeg', Prefer: 'wait=20' }),
    get: (id: string) => send('GET', `/images/${id}`),
    remove: (id: string) => send('DELETE', `/images/${id}`),
    list: async (query = '') => {
      const { status, body } = await send('GET', `/images${query}`);
      expect(status).toBe(200);
      return z
        .strictObject({ images: z.array(replySchema), next: z.string().optional() })
        .parse(JSON.parse(body));
    },
  };
};

const replyOf = ({ body }: ApiReply): Reply => replySchema.parse(JSON.parse(body));

/** Waits until nothing is stored of an image. */
const untilGone = (id: string) =>
  until('the end of the deletion', async () => {
    const isLeft = (await aws.originals.head(id)) !== undefined || (await aws.catalog.find(id)) !== undefined;
    return isLeft ? undefined : true;
  });

describe.each(names)('with %s', (name) => {
  test('two owners of the same bytes store them once, and each deletes only their own', async () => {
    const [ann, ben] = [personAt(name, 'ann'), personAt(name, 'ben')];
    const bytes = await picture();
    const id = imageIdOf(bytes);
    const posted = await ann.post(bytes);
    expect([posted.status, replyOf(posted).status]).toEqual([200, 'ready']);
    expect((await ben.get(id)).status).toBe(404);
    expect((await ben.post(bytes)).status).toBe(200);
    for (const person of [ann, ben]) {
      expect((await person.get(id)).status).toBe(200);
      expect((await person.list('?status=ready')).images.map((image) => image.id)).toEqual([id]);
    }
    expect(local.resizeLogs(id).filter(({ message }) => message === 'thumbnails stored')).toHaveLength(1);

    expect((await ann.remove(id)).status).toBe(204);
    expect([(await ann.get(id)).status, (await ann.remove(id)).status]).toEqual([404, 404]);
    expect((await ann.list()).images).toEqual([]);
    expect((await ben.get(id)).status).toBe(200);
    expect((await ben.remove(id)).status).toBe(204);
    await untilGone(id);
    expect((await ben.get(id)).status).toBe(404);
    expect((await ben.send('GET', `/thumbnails/${id}`)).status).toBe(404);
    expect((await ben.post(bytes)).status).toBe(200);
    await ben.remove(id);
  });

  test('who knows only a hash gets the same replies whether others have the image or not', async () => {
    const [owner, mallory] = [personAt(name, 'owner'), personAt(name, 'mallory')];
    const bytes = await picture();
    expect((await owner.post(bytes)).status).toBe(200);
    const repliesAbout = async (id: string) => {
      const differences = {
        apiUrl: mallory.target.apiUrl,
        s3Url: endpointOf(local.ports.s3),
        imageId: id,
      };
      const replies = [
        await mallory.get(id),
        await mallory.send('GET', `/thumbnails/${id}`),
        await mallory.send('GET', `/thumbnails/${id}/thumbnail`),
        await mallory.remove(id),
        await mallory.announce(id),
        await mallory.get(id),
        await mallory.send('GET', `/thumbnails/${id}`),
        await mallory.send('GET', '/images'),
        await mallory.remove(id),
        await mallory.send('GET', '/images'),
      ];
      return replies.map(({ body, ...reply }) => ({
        ...reply,
        body: comparable(body, differences).replaceAll(/[0-9a-f-]{36}/g, '<upload>'),
      }));
    };
    const unknown = await repliesAbout(imageIdOf(await picture()));
    expect(await repliesAbout(imageIdOf(bytes))).toEqual(unknown);
    expect(unknown.map(({ status }) => status)).toEqual([404, 404, 404, 404, 201, 200, 202, 200, 204, 200]);
    expect(JSON.stringify(unknown)).not.toContain('/thumbnail-images/');
    expect((await owner.get(imageIdOf(bytes))).status).toBe(200);
  });

  test('large images arrive for each owner, and a replay is refused', async () => {
    const [cleo, dan] = [personAt(name, 'cleo'), personAt(name, 'dan')];
    const bytes = Buffer.from(await picture());
    const id = imageIdOf(bytes);
    const uploadAs = async (person: typeof cleo) => {
      const announced = await person.send(
        'POST',
        '/uploads',
        Buffer.from(JSON.stringify({ sha256: id, bytes: bytes.byteLength })),
        { 'Content-Type': 'application/json' },
      );
      expect(announced.status).toBe(201);
      const { upload } = replyOf(announced);
      if (upload === undefined) throw new Error('There is no upload.');
      const put = () => fetch(upload.url, { method: upload.method, headers: upload.headers, body: bytes });
      expect(replyOf(await person.get(id))).toMatchObject({ status: 'received', thumbnails: {} });
      expect((await put()).status).toBe(200);
      const ready = await until('the thumbnails', async () => {
        const reply = replyOf(await person.get(id));
        return reply.status === 'ready' ? reply : undefined;
      });
      expect(ready.original.bytes).toBe(bytes.byteLength);
      await until('the end of the upload', async () => ((await put()).status === 412 ? true : undefined));
    };
    await uploadAs(cleo);
    await uploadAs(dan);
    expect(local.resizeLogs(id).filter(({ message }) => message === 'thumbnails stored')).toHaveLength(1);
    for (const person of [cleo, dan]) expect((await person.remove(id)).status).toBe(204);
    await untilGone(id);
  });

  test('a wrong cursor is refused, and so is that of another owner', async () => {
    const [eve, finn] = [personAt(name, 'eve'), personAt(name, 'finn')];
    for (let count = 0; count < 2; count += 1) expect((await eve.post(await picture())).status).toBe(200);
    const { next = '' } = await eve.list('?limit=1');
    expect((await eve.list(`?limit=1&cursor=${next}`)).images).toHaveLength(1);
    for (const [person, cursor] of [
      [eve, `${next}A`],
      [finn, next],
    ] as const) {
      const { status, body } = await person.send('GET', `/images?cursor=${cursor}`);
      expect([status, JSON.parse(body).code]).toEqual([400, 'invalid-cursor']);
    }
  });
});

test.each(['npm start', 'container', 'function with tokens'])(
  'with %s a token that names no owner is refused',
  async (name) => {
    const target = targets.get(name);
    const Authorization = `Bearer ${await issuer.token({ sub: undefined })}`;
    const request = { method: 'GET', path: '/images', headers: { Authorization }, body: Buffer.alloc(0) };
    const { status, headers, body } = (await target?.send(request)) ?? { status: 0, headers: {}, body: '{}' };
    expect([status, headers['www-authenticate'], JSON.parse(body).code]).toEqual([
      401,
      'Bearer',
      'owner-unknown',
    ]);
  },
);
