import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutBucketTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import sharp from 'sharp';
import { jpegHeaderThenRubbish, svg } from '../images.ts';
import { type Cdk, createCdk, type Outputs, type Settings } from './cdk.ts';
import { credentials, type Emulator, region, startEmulator } from './emulator.ts';
import { coloursOf, largePhoto, smallPhoto } from './photo.ts';
import { createRunFolder } from './run-folder.ts';
import {
  acceptedReply,
  eventually,
  post,
  type Reply,
  replySchema,
  secondsUntil,
  thumbnailAt,
} from './uploads.ts';

const mainSettings: Settings = { imagesOnDestroy: 'delete' };
const secondSettings: Settings = { stackName: 'Second', urlLifetimeSeconds: '60' };

const folder = createRunFolder('e2e');
let emulator: Emulator;
let cdk: Cdk;
let s3: S3Client;
let sqs: SQSClient;
let main: Outputs;
let mainUrl: string;
let second: Outputs;

/** What the main stack said of the large photo. */
let photo: Buffer;
let photoReply: Reply;
/** What the second stack said, whose URLs live for a minute only. */
let secondReply: Reply;

/** A failure brings the end of the emulator's log with it. */
const explained = (step: () => Promise<void>) => async (): Promise<void> => {
  try {
    await step();
  } catch (error) {
    console.error(emulator?.endOfLog());
    throw error;
  }
};
const check = (behaviour: string, step: () => Promise<void>): void => test(behaviour, explained(step));

const logLinesOf = async (functionId: string, text = ''): Promise<readonly string[]> =>
  (await emulator.logLines('ThumbnailGenerator', functionId)).filter((line) => line.includes(text));

/** How many messages wait in a queue or are being worked on. */
const messagesIn = async (queueUrl: string): Promise<number> => {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  expect(Object.keys(Attributes)).toHaveLength(2);
  return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
};

const workedOff = async (queueUrl: string): Promise<void> => {
  const left = await eventually(
    () => messagesIn(queueUrl),
    (count) => count === 0,
  );
  expect(left).toBe(0);
};

const nameOfQueue = (url: string): string => url.split('/').at(-1) ?? '';
const bucketsOf = (stack: Outputs): string[] => [stack.RawBucketName, stack.ThumbnailBucketName].sort();
const queuesOf = (stack: Outputs): string[] =>
  [stack.ResizeQueueUrl, stack.ResizeDeadLetterQueueUrl].map(nameOfQueue).sort();

/** What there is in the account, besides what `cdk bootstrap` put there. */
const inventory = async () => {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand());
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand());
  const buckets = Buckets.map(({ Name = '' }) => Name).filter((name) => !name.startsWith('cdk-'));
  return { buckets: buckets.sort(), queues: QueueUrls.map(nameOfQueue).sort() };
};

beforeAll(
  explained(async () => {
    emulator = await startEmulator(folder);
    const { endpoint } = emulator;
    s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    sqs = new SQSClient({ endpoint, region, credentials, useQueueUrlAsEndpoint: false });
    cdk = createCdk(folder, {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    });
    await cdk.bootstrap();
    [main, second, photo] = await Promise.all([
      cdk.deploy(mainSettings),
      cdk.deploy(secondSettings),
      largePhoto(),
    ]);
    mainUrl = emulator.urlOf(main.UploadUrl);
  }),
  // What the commands in it may take at most, and the installation.
  800_000,
);

afterAll(async () => {
  await emulator?.stop();
  rmSync(folder, { recursive: true, force: true });
});

check('answers the curl command with a URL that shows the thumbnail', async () => {
  writeFileSync(join(folder, 'photo.jpg'), photo);
  const curl = `curl --request POST -H "Content-Type: image/jpg" --data-binary "@photo.jpg" ${mainUrl}`;
  const { stdout, stderr } = await promisify(execFile)(
    'sh',
    ['-c', `${curl} --silent --show-error --write-out '%{stderr}%{http_code}'`],
    // Neither the developer's ~/.curlrc nor a proxy.
    { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder } },
  );

  expect(stderr).toBe('202');
  photoReply = replySchema.parse(JSON.parse(stdout));
  expect(photoReply).toEqual({
    id: createHash('sha256').update(photo).digest('hex'),
    status: 'received',
    url: photoReply.url,
    expiresAt: photoReply.expiresAt,
    thumbnails: { thumbnail: { url: photoReply.url, contentType: 'image/webp' } },
    original: { contentType: 'image/jpeg', bytes: photo.length },
  });
  expect(secondsUntil(photoReply.expiresAt)).toBeGreaterThan(3500);
  expect(secondsUntil(photoReply.expiresAt)).toBeLessThanOrEqual(3600);

  const { bytes, headers } = await thumbnailAt(photoReply.url);
  expect(headers.get('Content-Type')).toBe('image/webp');
  expect(headers.get('Cache-Control')).toBe('private, max-age=31536000, immutable');
  const { format, width, height, orientation, exif, xmp, icc } = await sharp(bytes).metadata();
  expect({ format, width, height }).toEqual({ format: 'webp', width: 240, height: 320 });
  expect({ orientation, exif, xmp, icc }).toEqual({});
  expect(await coloursOf(bytes)).toEqual(['red', 'green', 'blue', 'white']);
});

check('runs a second copy of the stack beside the first, each on its own', async () => {
  secondReply = await acceptedReply(await post(emulator.urlOf(second.UploadUrl), await smallPhoto(80)));
  expect(secondsUntil(secondReply.expiresAt)).toBeGreaterThan(30);
  expect(secondsUntil(secondReply.expiresAt)).toBeLessThanOrEqual(60);
  await thumbnailAt(secondReply.url);

  const inMain = new HeadObjectCommand({ Bucket: main.RawBucketName, Key: `raw/${secondReply.id}` });
  await expect(s3.send(inMain)).rejects.toMatchObject({ name: 'NotFound' });
});

check('stores the original byte by byte, with its true type instead of the claimed one', async () => {
  const { Body, ContentType } = await s3.send(
    new GetObjectCommand({ Bucket: main.RawBucketName, Key: `raw/${photoReply.id}` }),
  );
  const stored = (await Body?.transformToByteArray()) ?? '';
  expect(createHash('sha256').update(stored).digest('hex')).toBe(photoReply.id);
  expect(ContentType).toBe('image/jpeg');
});

check('takes the same image again, without storing or resizing it a second time', async () => {
  const again = await acceptedReply(await post(mainUrl, photo));
  expect(again.id).toBe(photoReply.id);
  expect((await fetch(again.url)).status).toBe(200);
  expect(await logLinesOf('IngestFunction', photoReply.id)).toEqual([
    expect.stringContaining('"original":"stored"'),
    expect.stringContaining('"original":"already-stored"'),
  ]);
  await workedOff(main.ResizeQueueUrl);
  expect(await logLinesOf('ResizeFunction', photoReply.id)).toHaveLength(1);
});

check('answers with nothing but the URL when plain text is asked for', async () => {
  const text = await (await post(mainUrl, photo, 'text/plain')).text();
  expect(text).toMatch(/^http\S+\n$/);
  expect((await fetch(text.trim())).status).toBe(200);
});

for (const [what, body, status, code] of [
  ['an empty body', Buffer.alloc(0), 400, 'empty-body'],
  ['SVG', svg(), 415, 'unsupported-type'],
  ['a body over the limit', Buffer.alloc(4_700_001, 0xff), 413, 'body-too-large'],
] as const) {
  check(`refuses ${what} with ${status} ${code}`, async () => {
    const response = await post(mainUrl, body);
    expect(response.status).toBe(status);
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status, code, detail: expect.any(String) });
  });
}

check('records a broken image once, with its reason, and tries it no further', async () => {
  const broken = await acceptedReply(await post(mainUrl, jpegHeaderThenRubbish()));
  const refusals = await eventually(
    () => logLinesOf('ResizeFunction', broken.id),
    (lines) => lines.length > 0,
  );
  expect(refusals).toEqual([expect.stringContaining('"code":"image-corrupt"')]);
  await workedOff(main.ResizeQueueUrl);
  expect(await messagesIn(main.ResizeDeadLetterQueueUrl)).toBe(0);

  const response = await fetch(broken.url);
  expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('NoSuchKey')]);
});

check('fails to open a URL that was tampered with', async () => {
  const changes = {
    signature: (url: URL) => url.searchParams.set('X-Amz-Signature', '0'.repeat(64)),
    lifetime: (url: URL) => url.searchParams.set('X-Amz-Expires', '604800'),
    image: (url: URL) => {
      url.pathname = url.pathname.replace(photoReply.id, '0'.repeat(64));
    },
  };
  for (const [what, change] of Object.entries(changes)) {
    const url = new URL(photoReply.url);
    change(url);
    expect([what, (await fetch(url)).status]).toEqual([what, 403]);
  }
});

check('deploys a changed setting on top: new uploads obey it, earlier URLs still work', async () => {
  const variants = JSON.stringify([{ name: 'small', width: 100 }]);
  expect(await cdk.deploy({ ...mainSettings, variants })).toEqual(main);

  const reply = await acceptedReply(await post(mainUrl, await smallPhoto(70)));
  expect(Object.keys(reply.thumbnails)).toEqual(['small']);
  const { width, height } = await sharp((await thumbnailAt(reply.url)).bytes).metadata();
  expect({ width, height }).toEqual({ width: 100, height: 133 });
  expect((await fetch(photoReply.url)).status).toBe(200);
});

check('never writes a presigned URL into a log', async () => {
  for (const functionId of ['IngestFunction', 'ResizeFunction']) {
    expect(await logLinesOf(functionId, '"level":')).not.toEqual([]);
    expect(await logLinesOf(functionId, 'X-Amz-')).toEqual([]);
  }
});

check('destroys everything, together with the images where the settings say so', async () => {
  // CloudFormation sets this tag, which is CDK's permission to empty a bucket; the emulator loses it.
  for (const Bucket of bucketsOf(main)) {
    const TagSet = [{ Key: 'aws-cdk:auto-delete-objects', Value: 'true' }];
    await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  }
  await cdk.destroy(mainSettings);
  expect(await inventory()).toEqual({ buckets: bucketsOf(second), queues: queuesOf(second) });
  expect((await post(mainUrl, photo)).status).toBe(404);
});

check('refuses a URL from the moment on that the reply named', async () => {
  await setTimeout(1000 * Math.max(0, secondsUntil(secondReply.expiresAt) + 1));
  const response = await fetch(secondReply.url);
  expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('expired')]);
});

check('destroys everything but the images where the settings say nothing', async () => {
  await cdk.destroy(secondSettings);
  expect(await inventory()).toEqual({ buckets: bucketsOf(second), queues: [] });
  const original = { Bucket: second.RawBucketName, Key: `raw/${secondReply.id}` };
  expect((await s3.send(new HeadObjectCommand(original))).ContentLength).toBe(secondReply.original.bytes);
});
