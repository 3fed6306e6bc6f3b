import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { App, Stack } from 'aws-cdk-lib';
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import sharp from 'sharp';
import { createCatalog } from '../../lambdas/aws/catalog.ts';
import { deleteEnvironment } from '../../lambdas/delete/environment.ts';
import { imageEventSchema } from '../../lambdas/image/event.ts';
import { thumbnailKey } from '../../lambdas/image/keys.ts';
import { endedEvent, linkServedEvent } from '../../lambdas/image/new-event.ts';
import { variantsSchema } from '../../lambdas/image/variant.ts';
import { ingestEnvironment } from '../../lambdas/ingest/environment.ts';
import { lakeEnvironment } from '../../lambdas/lake/environment.ts';
import { notifyEnvironment } from '../../lambdas/notify/environment.ts';
import { createMailRequests } from '../../lambdas/notify/mail-requests.ts';
import { reconcileEnvironment } from '../../lambdas/reconcile/environment.ts';
import { resizeFunctionEnvironment } from '../../lambdas/resize/environment.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import { bundling } from '../../lib/constructs/service-function.ts';
import { decoderModules } from '../../lib/resize/resize-function.ts';
import { startCatalogServer } from '../catalog-server.ts';
import { createCdk } from '../e2e/cdk.ts';
import { createRunFolder } from '../e2e/run-folder.ts';
import { valuesWith } from '../environment.ts';
import { createdMessage, postEvent, queueEvent } from '../events.ts';
import { heicFile } from '../heic-files.ts';
import { cameraPicture, quarteredPicture } from '../images.ts';
import { startMailServer } from '../lambdas/notify/mail-server.ts';
import { lateCatalog } from '../late-catalog.ts';
import { invoke, packageOf } from './packaged-function.ts';

type CatalogServer = Awaited<ReturnType<typeof startCatalogServer>>;

/** The variables that Lambda sets. */
const lambdaEnvironment = {
  AWS_REGION: 'us-east-2',
  AWS_ACCESS_KEY_ID: 'EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'example',
};

/** The architectures that resize can be packaged for. */
const architectures: Readonly<Record<string, Architecture>> = {
  x64: Architecture.X86_64,
  arm64: Architecture.ARM_64,
};

const folder = createRunFolder('package');
let ingest: string;
let resize: string;
let notify: string;
let reconcile: string;
let deletion: string;
let catalog: CatalogServer;

beforeAll(async () => {
  catalog = await startCatalogServer();
  const email = JSON.stringify({ from: 'thumbnails@example.com', allowedRecipients: ['example.com'] });
  const assembly = await createCdk(folder).synth({ email });
  ingest = packageOf(assembly, 'IngestFunction');
  resize = packageOf(assembly, 'ResizeFunction');
  notify = packageOf(assembly, 'NotifyFunction');
  reconcile = packageOf(assembly, 'ReconcilerFunction');
  deletion = packageOf(assembly, 'DeletionFunction');
}, 200_000);

afterAll(async () => {
  await catalog?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface StoredObject {
  readonly contentType: string | undefined;
  readonly bytes: Buffer;
}

/** Serves the operations of S3 and SNS that resize uses. It keeps objects by path, and published events. */
const serveObjects = async (objects: Map<string, StoredObject>, published: string[] = []) => {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://127.0.0.1');
    const bytes = await buffer(request);
    const object = objects.get(pathname);
    if (request.method === 'POST') {
      published.push(new URLSearchParams(bytes.toString()).get('Message') ?? '');
      response.end(
        '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>',
      );
    } else if (request.method === 'PUT') {
      objects.set(pathname, { contentType: request.headers['content-type'], bytes });
      response.end();
    } else if (request.method === 'GET' && object) response.end(object.bytes);
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    endpoint: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

const elfMagic = Buffer.from('\x7fELF', 'latin1');
/** ELF specification, `e_machine`: EM_AARCH64. */
const aarch64 = 183;

test.each([
  ['resize', () => resize],
  ['notify', () => notify],
])('deploys %s with native code for its own architecture only', (_, packageFolder) => {
  const modules = join(packageFolder(), 'node_modules/@img');
  expect(readdirSync(modules).sort()).toEqual(['colour', 'sharp-libvips-linux-arm64', 'sharp-linux-arm64']);
  const native = readdirSync(packageFolder(), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => ({ name, bytes: readFileSync(join(parentPath, name)) }))
    .filter(({ name, bytes }) => bytes.subarray(0, 4).equals(elfMagic) || /\.(?:node|dll|dylib)$/.test(name))
    .map(({ name, bytes }) => [name, bytes.readUInt16LE(18)]);
  expect(native.sort()).toEqual([
    [expect.stringMatching(/^libvips-cpp\.so/), aarch64],
    [expect.stringMatching(/^sharp-linux-arm64.*\.node$/), aarch64],
  ]);
});

test('deploys reconcile as one file, and ingest with the files that browsers get', () => {
  expect(readdirSync(reconcile)).toEqual(['index.js']);
  expect(readdirSync(ingest)).toEqual(expect.arrayContaining(['index.js', 'web']));
  expect(readdirSync(join(ingest, 'web'))).toEqual(['client.js', 'page.css', 'page.js']);
  expect(readdirSync(join(ingest, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
    'thumbhash',
  ]);
});

test('shows the upload page from its package', async () => {
  const values = valuesWith(catalog, { urlSignerRoleArn: undefined });
  const environment = { ...lambdaEnvironment, ...writeEnvironment(ingestEnvironment, values) };
  const event = { ...postEvent('/', Buffer.alloc(0)), routeKey: 'GET /' };
  const reply = await invoke(ingest, environment, event);
  expect(reply).toMatchObject({ statusCode: 200, body: expect.stringContaining('thumbHashToDataURL') });
});

test('a decoder loads only sharp and the code of the project', () => {
  const file = join(resize, 'process.js');
  // Zod alone, if anything imported it, would be 100 KB and 15 ms.
  expect(readFileSync(file, 'utf8')).not.toContain('ZodType');
  expect(readFileSync(join(resize, 'index.js'), 'utf8')).toContain('ZodType');
  expect(statSync(file).size).toBeLessThan(150_000);
});

test('runs the transform of the data lake from its package', async () => {
  const lake = packageForThisProcessor('LakeFunction', 'lambdas/lake/index.ts');
  expect(readdirSync(lake)).toEqual(['index.js']);
  const event = JSON.stringify(linkServedEvent('a'.repeat(64), 'thumbnail'));
  const records = [event, 'rubbish'].map((text, index) => ({
    recordId: String(index),
    data: Buffer.from(text).toString('base64'),
  }));
  expect(
    await invoke(
      lake,
      { ...lambdaEnvironment, ...writeEnvironment(lakeEnvironment, { stackName: 'Copy' }) },
      { records },
    ),
  ).toEqual({
    records: [
      expect.objectContaining({ recordId: '0', result: 'Ok' }),
      { ...records[1], result: 'ProcessingFailed' },
    ],
  });
});

test.each(['/dev/upload_image', '/upload_image'])('runs ingest from its package, at %s', async (rawPath) => {
  // No service can be reached: a body that is no image is refused first.
  const values = valuesWith(catalog, { urlSignerRoleArn: 'arn:aws:iam::111122223333:role/url-signer' });
  const environment = {
    ...lambdaEnvironment,
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    ...writeEnvironment(ingestEnvironment, values),
  };
  expect(
    await invoke(ingest, environment, postEvent('/upload_image', Buffer.from('hello'), rawPath)),
  ).toMatchObject({
    statusCode: 415,
    headers: { 'content-type': 'application/problem+json' },
    body: expect.stringContaining('"code":"unsupported-type"'),
  });
});

test('runs delete from its package', async () => {
  const environment = {
    ...lambdaEnvironment,
    AWS_ENDPOINT_URL_DYNAMODB: catalog.endpoint,
    ...writeEnvironment(deleteEnvironment, valuesWith(catalog, {})),
  };
  const body = JSON.stringify({ imageId: 'f'.repeat(64) });
  expect(await invoke(deletion, environment, queueEvent(body))).toEqual({ batchItemFailures: [] });
});

test('runs reconcile from its package', async () => {
  // The only request to the queue counts its messages.
  const queue = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify({ Attributes: { ApproximateNumberOfMessages: '0' } }));
  });
  await once(queue.listen(0, '127.0.0.1'), 'listening');
  const address = queue.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const values = valuesWith(catalog, {
    resizeQueueUrl: `http://127.0.0.1:${address.port}/111122223333/resize`,
    slowResizeQueueUrl: `http://127.0.0.1:${address.port}/111122223333/slow-resize`,
  });
  const environment = {
    ...lambdaEnvironment,
    AWS_ENDPOINT_URL_DYNAMODB: catalog.endpoint,
    AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${address.port}`,
    ...writeEnvironment(reconcileEnvironment, values),
  };
  const report = { dryRun: true, backlog: 0, slowBacklog: 0, requeued: [], expired: [], deletions: [] };
  try {
    expect(await invoke(reconcile, environment, { dryRun: true })).toEqual(report);
  } finally {
    queue.close();
  }
});

const ownArchitecture = process.platform === 'linux' ? architectures[process.arch] : undefined;

/** They are deployed for arm64. Here the same code packages them for the architecture that runs this test. */
const packageForThisProcessor = (
  functionId: string,
  entry: string,
  {
    nativeModules,
    processes,
  }: { readonly nativeModules?: readonly string[]; readonly processes?: readonly string[] } = {},
) => {
  const architecture = ownArchitecture ?? Architecture.ARM_64;
  const assembly = join(folder, `own-architecture-${functionId}`);
  const app = new App({ outdir: assembly });
  new NodejsFunction(new Stack(app, 'OwnArchitecture'), functionId, {
    entry,
    runtime: Runtime.NODEJS_24_X,
    architecture,
    bundling: bundling(architecture, { nativeModules, processes }),
  });
  app.synth();
  return packageOf(assembly, functionId);
};

const onlyHere = ownArchitecture ? test : test.skip;

let ownResize: string | undefined;

const resizeForThisProcessor = (): string => {
  ownResize ??= packageForThisProcessor(
    'ResizeFunction',
    'lambdas/resize/index.ts',
    decoderModules({ heic: true }),
  );
  return ownResize;
};

test('deploys libheif as a package of its own, with its licence', () => {
  const library = join(resize, 'node_modules/libheif-js');
  for (const file of ['libheif-wasm/libheif.js', 'libheif-wasm/libheif.wasm', 'libheif-wasm/LICENSE']) {
    expect(statSync(join(library, file)).size).toBeGreaterThan(0);
  }
  expect(readFileSync(join(library, 'LICENSE'), 'utf8')).toContain('GNU LESSER GENERAL PUBLIC LICENSE');
  for (const file of ['index.js', 'process.js', 'heic-thread.js']) {
    expect(readFileSync(join(resize, file), 'utf8')).not.toContain('libde265');
  }
});

onlyHere('deploys resize without libheif where HEIC is switched off', () => {
  const without = packageForThisProcessor(
    'ResizeWithoutHeicFunction',
    'lambdas/resize/index.ts',
    decoderModules({ heic: false }),
  );
  expect(readdirSync(without)).not.toContain('heic-thread.js');
  expect(readdirSync(join(without, 'node_modules'))).not.toContain('libheif-js');
});

onlyHere.each([
  ['a JPEG', 'image/jpeg', 480, 640, async () => (await cameraPicture(480, 640, 6)).jpeg().toBuffer()],
  ['a HEIC', 'image/heic', 192, 256, async () => heicFile('tiles-without-thumbnail')],
])('makes a thumbnail of %s with resize from its package', async (_, contentType, width, height, make) => {
  const ownResize = resizeForThisProcessor();
  for (const file of ['index.js', 'process.js', 'heic-thread.js']) {
    expect(readFileSync(join(ownResize, file))).toEqual(readFileSync(join(resize, file)));
  }

  const photo = await make();
  const id = createHash('sha256').update(photo).digest('hex');
  const original = `/raw-bucket/raw/${id}`;
  const objects = new Map<string, StoredObject>([[original, { contentType, bytes: photo }]]);
  const published: string[] = [];
  const s3 = await serveObjects(objects, published);
  try {
    const environment = {
      ...lambdaEnvironment,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ENDPOINT_URL_SNS: s3.endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: catalog.endpoint,
      ...writeEnvironment(resizeFunctionEnvironment, valuesWith(catalog, { lane: 'fast' })),
    };
    const answer = await invoke(ownResize, environment, queueEvent(createdMessage(`raw/${id}`)));
    expect(answer).toEqual({ batchItemFailures: [] });
  } finally {
    s3.close();
  }

  const types = published.map((event) => imageEventSchema.parse(JSON.parse(event)).type);
  expect(types).toEqual(['image.received', 'image.ready']);

  objects.delete(original);
  const [[path, thumbnail] = []] = objects;
  expect(objects.size).toBe(1);
  expect(path).toContain(`/thumbnail-bucket/thumbnails/${id}/`);
  expect(thumbnail?.contentType).toBe('image/webp');
  const scale = Math.min(1, 320 / height);
  const size = { width: width * scale, height: height * scale };
  expect(await sharp(thumbnail?.bytes).metadata()).toMatchObject({ format: 'webp', ...size });
  expect(await createCatalog(catalog.tableName, catalog.client).find(id)).toMatchObject({
    status: 'ready',
    original: { contentType, width, height, bytes: photo.length },
    thumbnails: { thumbnail: { key: path?.replace('/thumbnail-bucket/', ''), ...size } },
  });
});

(ownArchitecture ? test : test.skip)(
  'sends a mail with notify from its package',
  async () => {
    const ownNotify = packageForThisProcessor('NotifyFunction', 'lambdas/notify/index.ts', {
      nativeModules: ['sharp'],
    });
    expect(readFileSync(join(ownNotify, 'index.js'))).toEqual(readFileSync(join(notify, 'index.js')));

    const id = createHash('sha256').update('an image that is ready').digest('hex');
    const [variant] = variantsSchema.parse([{ name: 'thumbnail' }]);
    const key = thumbnailKey(id, variant);
    const thumbnail = await quarteredPicture(240, 320).webp().toBuffer();
    const stored = { key, contentType: 'image/webp', width: 240, height: 320, bytes: thumbnail.length };
    const record = await lateCatalog(createCatalog(catalog.tableName, catalog.client)).finish(id, 'any', {
      original: { contentType: 'image/jpeg', width: 480, height: 640, bytes: 9 },
      thumbnails: { thumbnail: stored },
      thumbhash: undefined,
      resizeMilliseconds: 1,
      uploadToReadyMilliseconds: 1,
    });
    if (record === undefined) throw new Error('no record');
    await createMailRequests(catalog.mailRequestsTableName, catalog.client).add(id, 'me@example.com');
    const s3 = await serveObjects(
      new Map([[`/thumbnail-bucket/${key}`, { contentType: 'image/webp', bytes: thumbnail }]]),
    );
    const mailServer = await startMailServer();
    try {
      const values = valuesWith(catalog, { mailRequestsTable: catalog.mailRequestsTableName });
      const environment = {
        ...lambdaEnvironment,
        AWS_ENDPOINT_URL_S3: s3.endpoint,
        AWS_ENDPOINT_URL_DYNAMODB: catalog.endpoint,
        AWS_ENDPOINT_URL_SESV2: mailServer.endpoint,
        ...writeEnvironment(notifyEnvironment, values),
      };
      const answer = await invoke(ownNotify, environment, queueEvent(JSON.stringify(endedEvent(record))));
      expect(answer).toEqual({ batchItemFailures: [] });
      const [mail, ...others] = await mailServer.mails();
      expect(others).toEqual([]);
      expect(mail).toMatchObject({
        destination: { to: ['me@example.com'] },
        body: { text: expect.stringContaining(`https://api.example/dev/thumbnails/${id}`) },
      });
      expect(await sharp(mail?.attachments[0]?.content).metadata()).toMatchObject({
        format: 'jpeg',
      });
    } finally {
      await mailServer.stop();
      s3.close();
    }
  },
  60_000,
);
