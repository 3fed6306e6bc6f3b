import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { sdkStreamMixin } from '@smithy/core/serde';
import { mockClient } from 'aws-sdk-client-mock';
import { createS3Client } from '../../../lambdas/aws/clients.ts';
import { createOriginals } from '../../../lambdas/aws/originals.ts';
import { createSigningClient } from '../../../lambdas/aws/signing-client.ts';
import { createUrls } from '../../../lambdas/aws/urls.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';

const s3 = mockClient(S3Client);
const sts = mockClient(STSClient);
const bytes = Buffer.from('an image');
const id = imageIdOf(bytes);
const refusal = (name: string, status: number) =>
  new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode: status } });

beforeEach(() => {
  s3.reset();
  sts.reset();
});
afterEach(() => jest.useRealTimers());

describe('originals', () => {
  const originals = createOriginals(new S3Client({ region: 'us-east-2' }), 'raw-bucket');

  test('are stored once, under their hash, which S3 verifies', async () => {
    s3.on(PutObjectCommand).resolves({});
    await expect(originals.put(id, bytes, 'image/png')).resolves.toBe('stored');
    expect(s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input)).toEqual([
      {
        Bucket: 'raw-bucket',
        Key: `raw/${id}`,
        Body: bytes,
        ContentType: 'image/png',
        ChecksumSHA256: Buffer.from(id, 'hex').toString('base64'),
        IfNoneMatch: '*',
      },
    ]);
  });

  test('that are stored already are a success', async () => {
    s3.on(PutObjectCommand).rejects(refusal('PreconditionFailed', 412));
    await expect(originals.put(id, bytes, 'image/png')).resolves.toBe('already-stored');
  });

  test('uploaded twice at the same time are retried', async () => {
    s3.on(PutObjectCommand)
      .rejectsOnce(refusal('ConditionalRequestConflict', 409))
      .rejects(refusal('PreconditionFailed', 412));
    await expect(originals.put(id, bytes, 'image/png')).resolves.toBe('already-stored');
  });

  test('fail when S3 refuses for another reason', async () => {
    s3.on(PutObjectCommand).rejects(refusal('AccessDenied', 403));
    await expect(originals.put(id, bytes, 'image/png')).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  test('that were deleted are missing', async () => {
    s3.on(GetObjectCommand).rejects(new NoSuchKey({ message: 'gone', $metadata: {} }));
    await expect(originals.open(id)).rejects.toMatchObject({ code: 'original-missing' });
  });

  describe('that expire', () => {
    const expiring = createOriginals(new S3Client({ region: 'us-east-2' }), 'raw-bucket', {
      originalDays: 30,
    });
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
    const storedSince = (LastModified: Date) => {
      s3.on(HeadObjectCommand).resolves({ ContentLength: 8, LastModified });
      s3.on(GetObjectCommand).callsFake(() => ({
        Body: sdkStreamMixin(Readable.from([bytes])),
        ContentLength: 8,
        LastModified,
      }));
    };

    test('are there until their last moment', async () => {
      storedSince(daysAgo(29.9));
      await expect(expiring.head(id)).resolves.toMatchObject({ bytes: 8 });
      const { body } = await expiring.open(id);
      body.destroy();
    });

    test('are missing from then on, although S3 has not removed them yet', async () => {
      storedSince(daysAgo(30.1));
      await expect(expiring.head(id)).resolves.toBeUndefined();
      await expect(expiring.open(id)).rejects.toMatchObject({ code: 'original-missing' });
    });

    test('are overwritten by another upload, so that their time begins again', async () => {
      storedSince(daysAgo(30.1));
      s3.on(PutObjectCommand).rejectsOnce(refusal('PreconditionFailed', 412)).resolves({});
      await expect(expiring.put(id, bytes, 'image/png')).resolves.toBe('stored');
      const tried = s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input.IfNoneMatch);
      expect(tried.at(-1)).toBeUndefined();
    });

    test('are not overwritten before', async () => {
      storedSince(daysAgo(1));
      s3.on(PutObjectCommand).rejects(refusal('PreconditionFailed', 412));
      await expect(expiring.put(id, bytes, 'image/png')).resolves.toBe('already-stored');
      expect(s3.commandCalls(PutObjectCommand)).toHaveLength(1);
    });
  });

  test('that break off before they are read fail when they are read', async () => {
    const source = Readable.from([Buffer.from('original')]);
    s3.on(GetObjectCommand).resolves({ Body: sdkStreamMixin(source), ContentLength: 8 });
    const { body } = await originals.open(id);
    source.destroy(new Error('ECONNRESET'));
    await new Promise((resolve) => setImmediate(resolve));
    await expect(buffer(body)).rejects.toThrow('ECONNRESET');
  });

  test('that S3 cannot return fail with its error, which may pass', async () => {
    const throttled = refusal('SlowDown', 503);
    s3.on(GetObjectCommand).rejects(throttled);
    await expect(originals.open(id)).rejects.toBe(throttled);
  });
});

describe('presigned URLs', () => {
  const signedBy = (credentials: { accessKeyId: string; secretAccessKey: string; expiration?: Date }) => {
    const client = createS3Client({ region: 'us-east-2', credentials });
    return createUrls(async () => client, 'thumbnail-bucket', 3600);
  };
  const key = { accessKeyId: 'EXAMPLE', secretAccessKey: 'example' };
  const now = new Date('2026-11-23T20:00:00.900Z');

  beforeEach(() => jest.useFakeTimers({ now }));

  test('name the regional host and expire as promised', async () => {
    const signer = await signedBy(key).signer();
    const url = new URL(await signer.sign('thumbnails/a/b.webp'));
    expect(url.origin + url.pathname).toBe(
      'https://thumbnail-bucket.s3.us-east-2.amazonaws.com/thumbnails/a/b.webp',
    );
    expect(url.searchParams.get('X-Amz-Date')).toBe('20261123T200000Z');
    expect(url.searchParams.get('X-Amz-Expires')).toBe('3600');
    expect(signer.expiresAt).toEqual(new Date('2026-11-23T21:00:00Z'));
  });

  test('work with the method that they are signed for', async () => {
    const signer = await signedBy(key).signer();
    const signatures = [
      await signer.sign('a'),
      await signer.sign('a', 'GET'),
      await signer.sign('a', 'HEAD'),
    ].map((url) => new URL(url).searchParams.get('X-Amz-Signature'));
    expect(signatures[1]).toBe(signatures[0]);
    expect(signatures[2]).not.toBe(signatures[0]);
  });

  test('expire with the credentials that sign them at the latest', async () => {
    const expiration = new Date('2026-11-23T20:20:00Z');
    const signer = await signedBy({ ...key, expiration }).signer();
    expect(new URL(await signer.sign('a')).searchParams.get('X-Amz-Expires')).toBe('1200');
    expect(signer.expiresAt).toEqual(expiration);
  });
});

describe('the signing client', () => {
  const start = new Date('2026-11-23T20:00:00Z');
  const session = (number: number, expiration: string) => ({
    Credentials: {
      AccessKeyId: `KEY${number}`,
      SecretAccessKey: 'secret',
      SessionToken: 'token',
      Expiration: new Date(expiration),
    },
  });
  const keyOf = async (client: S3Client) => (await client.config.credentials()).accessKeyId;

  beforeEach(() => {
    process.env['AWS_REGION'] = 'us-east-2';
    jest.useFakeTimers({ now: start });
  });

  test('assumes the role once, and again after half its time', async () => {
    sts
      .on(AssumeRoleCommand)
      .resolvesOnce(session(1, '2026-11-23T21:00:00Z'))
      .resolvesOnce(session(2, '2026-11-23T21:30:00Z'));
    const signingClient = createSigningClient('arn:aws:iam::111122223333:role/signer');
    const [first, second] = await Promise.all([signingClient(), signingClient()]);
    expect(await keyOf(first)).toBe('KEY1');
    expect(second).toBe(first);
    jest.setSystemTime(new Date('2026-11-23T20:29:59Z'));
    expect(await signingClient()).toBe(first);
    jest.setSystemTime(new Date('2026-11-23T20:30:00Z'));
    expect(await keyOf(await signingClient())).toBe('KEY2');
    expect(sts.commandCalls(AssumeRoleCommand)).toHaveLength(2);
  });

  test('tries again after a failure', async () => {
    const denied = new Error('not yet known');
    sts.on(AssumeRoleCommand).rejectsOnce(denied).resolves(session(1, '2026-11-23T21:00:00Z'));
    const signingClient = createSigningClient('arn:aws:iam::111122223333:role/signer');
    await expect(signingClient()).rejects.toBe(denied);
    expect(await keyOf(await signingClient())).toBe('KEY1');
  });
});
