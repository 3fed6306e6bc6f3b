import { PutObjectCommand } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { createS3Client } from '../../lambdas/aws/clients.ts';
import { region, resources, topicArn } from '../../local/aws.ts';
import type { Credentials } from '../../local/data-folder.ts';
import { originsAt } from '../../local/emulators/own-requests-only.ts';
import { endpointOf } from '../../local/ports.ts';
import { quarteredPicture } from '../images.ts';
import { replySchema, type ShownReply } from '../reply.ts';
import { rawRequest, sendRaw } from './access-requests.ts';
import { credentialsOf } from './aws-clients.ts';
import { freePort, type LocalRun, startLocal } from './local-run.ts';
import { sentMails } from './mails.ts';
import { cleanUp, temporaryFolder } from './processes.ts';
import { signedForm, signedJson } from './signed-request.ts';
import { subscribe } from './subscriber.ts';
import { uploadAndWait } from './uploads.ts';

jest.setTimeout(60_000);

let local: LocalRun;
let credentials: Credentials;
let image: ShownReply;
const foreign = 'http://attacker.example';

/** A request that each server accepts. */
const acceptedRequests = async (): Promise<Readonly<Record<string, Sent>>> => {
  const { api, s3, sqs, dynamodb, mail } = local.ports;
  const { pathname, search } = new URL(image.url);
  const jsonRequest = await signedJson(endpointOf(dynamodb), credentials);
  return {
    api: { port: api, target: `/dev/images/${image.id}` },
    s3: { port: s3, target: pathname + search },
    // The form of a request to SNS, which shares a server with SQS.
    sqs: { port: sqs, target: '/', ...(await signedForm(endpointOf(sqs), credentials)) },
    dynamodb: { port: dynamodb, target: '/', ...jsonRequest },
    mail: { port: mail, target: '/store' },
  };
};

interface Sent {
  readonly port: number;
  readonly target: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request with additional headers. An empty `host` omits that header. */
const send = (
  { port, target, method, headers, body }: Sent,
  others: Readonly<Record<string, string>> = {},
  host: string | undefined = `127.0.0.1:${port}`,
) => {
  const all = Object.entries({ ...headers, ...others }).filter(([name]) => name !== 'host');
  return sendRaw(
    port,
    rawRequest(port, target, {
      method,
      hostHeaders: host === '' ? [] : [`Host: ${host}`],
      headers: all.map(([name, value]) => `${name}: ${value}`),
      body,
    }),
  );
};

const statuses = async (
  headersFor: (port: number) => Readonly<Record<string, string>>,
  hostFor?: (port: number) => string,
) =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(await acceptedRequests()).map(async ([name, request]) => {
        const { status, text } = await send(request, headersFor(request.port), hostFor?.(request.port));
        // The upload page of the API sends large images straight to S3.
        const allowed = name === 's3' ? originsAt(local.port) : [];
        const [, granted] = /^access-control-allow-origin: (.*?)\r?$/im.exec(text) ?? [];
        expect([undefined, ...allowed]).toContain(granted);
        return [name, status] as const;
      }),
    ),
  );

const all = (status: number) => ({ api: status, s3: status, sqs: status, dynamodb: status, mail: status });

beforeAll(async () => {
  local = startLocal({ folder: await temporaryFolder(), port: await freePort() });
  await local.ready();
  credentials = credentialsOf(local);
  image = await uploadAndWait(local.uploadUrl, Buffer.from(await quarteredPicture(60, 40).jpeg().toBuffer()));
});
afterAll(cleanUp);

describe('every server of npm start', () => {
  test('accepts a request to 127.0.0.1 without any browser header', async () => {
    expect(await statuses(() => ({}))).toEqual(all(200));
  });

  test('refuses a rebound host name, another port, and a missing Host', async () => {
    for (const hostFor of [
      (port: number) => `attacker.example:${port}`,
      () => 'attacker.example',
      (port: number) => `127.0.0.1.attacker.example:${port}`,
      (port: number) => `localhost.:${port}`,
      (port: number) => `0.0.0.0:${port}`,
      (port: number) => `127.0.0.1:${port + 100}`,
      () => '127.0.0.1',
    ]) {
      expect(await statuses(() => ({}), hostFor)).toEqual(all(421));
    }
    for (const each of Object.values(await acceptedRequests())) {
      const { status } = await send(each, {}, '');
      expect(status).toBe(400);
      // HTTP/1.0 does not require it.
      const old = await sendRaw(each.port, Buffer.from(`GET ${each.target} HTTP/1.0\r\n\r\n`));
      expect(old.status === 421 || old.status === 400).toBe(true);
      const elsewhere = await send({ ...each, target: `http://attacker.example${each.target}` });
      expect(elsewhere.status).toBe(421);
    }
  });

  test('accepts localhost too, where no signature covers the host', async () => {
    const { api, mail } = await acceptedRequests();
    for (const each of [api, mail]) {
      if (each === undefined) throw new Error('The request is missing.');
      expect((await send(each, {}, `localhost:${each.port}`)).status).toBe(200);
      expect((await send(each, {}, `LOCALHOST:${each.port}`)).status).toBe(200);
    }
  });

  test('refuses pages of other sites, including those that hide their origin', async () => {
    for (const origin of [foreign, 'null', 'https://127.0.0.1', `http://127.0.0.1:${local.port + 50}`]) {
      expect(await statuses(() => ({ Origin: origin }))).toEqual(all(403));
    }
  });

  test('accepts its own pages and those of the API, and lets no others read replies', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      expect(await statuses(() => ({ Origin: `http://${host}:${local.port}` }))).toEqual(all(200));
      expect(await statuses((port) => ({ Origin: `http://${host}:${port}` }))).toEqual(all(200));
    }
  });

  test('refuses preflights of other sites', async () => {
    for (const { port } of Object.values(await acceptedRequests())) {
      const { status, text } = await send(
        { port, target: '/', method: 'OPTIONS' },
        {
          Origin: foreign,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'x-amz-target, authorization',
          'Access-Control-Request-Private-Network': 'true',
        },
      );
      expect(status).toBe(403);
      expect(text).not.toMatch(/^access-control-/im);
    }
  });

  test('refuses unsafe requests of other sites even without an Origin header', async () => {
    const { api, sqs, dynamodb, mail } = local.ports;
    for (const port of [api, sqs, dynamodb, mail]) {
      const { status } = await send(
        { port, target: '/', method: 'POST' },
        { 'Sec-Fetch-Site': 'cross-site' },
      );
      expect(status).toBe(403);
    }
  });

  test('allows pages of other sites to link and to embed pictures', async () => {
    const { s3, api, mail } = await acceptedRequests();
    for (const each of [s3, api, mail]) {
      if (each === undefined) throw new Error('The request is missing.');
      const { status } = await send(each, { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'image' });
      expect(status).toBe(200);
    }
  });
});

test('the API refuses with its own problem document', async () => {
  const target = { port: local.port, target: '/dev/upload_image', method: 'POST', body: '' };
  for (const [reply, status, code] of [
    [send(target, {}, 'attacker.example'), 421, 'unknown-host'],
    [send(target, { Origin: foreign, 'Content-Type': 'text/plain' }), 403, 'foreign-origin'],
  ] as const) {
    const { text } = await reply;
    const [head = '', body = ''] = text.split('\r\n\r\n');
    expect(head).toMatch(/^content-type: application\/problem\+json$/im);
    expect(JSON.parse(body)).toEqual({ status, code, title: expect.any(String), detail: expect.any(String) });
  }
});

test('links use the host name of the request', async () => {
  for (const host of ['127.0.0.1', 'localhost']) {
    const response = await fetch(`http://${host}:${local.port}/dev/images/${image.id}`);
    const { link = '', url = '' } = replySchema.parse(await response.json());
    expect(new URL(link).host).toBe(`${host}:${local.port}`);
    expect((await fetch(link)).status).toBe(200);
    expect((await fetch(url)).status).toBe(200);
  }
});

test('forms of other sites cannot publish, send or upload', async () => {
  const published = await subscribe(local);
  const mails = (await sentMails(local.ports)).length;
  const form = new URLSearchParams({
    Action: 'Publish',
    TopicArn: topicArn(resources.imageEventsTopic),
    Message: 'from another site',
  });
  const jpeg = await quarteredPicture(61, 40).jpeg().toBuffer();
  const requests = [
    fetch(endpointOf(local.ports.sqs), { method: 'POST', body: form, headers: { Origin: foreign } }),
    // Even without an Origin, because the request is not signed.
    fetch(endpointOf(local.ports.sqs), { method: 'POST', body: form }),
    fetch(endpointOf(local.ports.mail), {
      method: 'POST',
      body: new URLSearchParams({
        Action: 'SendEmail',
        Source: 'a@example.com',
        'Destination.ToAddresses.member.1': 'b@example.com',
        'Message.Subject.Data': 's',
        'Message.Body.Text.Data': 't',
      }),
    }),
    fetch(`${endpointOf(local.ports.mail)}/clear-store`, { method: 'POST', headers: { Origin: foreign } }),
    fetch(local.uploadUrl, {
      method: 'POST',
      body: Buffer.from(jpeg),
      headers: { Origin: foreign, 'Content-Type': 'text/plain' },
    }),
  ];
  expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
  expect(await published()).toEqual([]);
  expect(await sentMails(local.ports)).toHaveLength(mails);
});

describe('the emulators', () => {
  const wrong = (): Readonly<Record<string, Credentials>> => ({
    'the published key of s3rver': { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    'the access key, which presigned URLs show, with another secret': {
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: 'f'.repeat(64),
    },
    'another key': { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example' },
  });

  test('refuse requests signed with other credentials', async () => {
    for (const [name, other] of Object.entries(wrong())) {
      const config = { region, credentials: other, maxAttempts: 1 };
      const s3 = createS3Client({ ...config, endpoint: endpointOf(local.ports.s3), forcePathStyle: true });
      const sqs = new SQSClient({ ...config, endpoint: endpointOf(local.ports.sqs) });
      const sns = new SNSClient({ ...config, endpoint: endpointOf(local.ports.sqs) });
      const jsonRequest = await signedJson(endpointOf(local.ports.dynamodb), other);
      const answers = await Promise.allSettled([
        s3.send(new PutObjectCommand({ Bucket: resources.rawBucket, Key: 'raw/any', Body: 'x' })),
        sqs.send(new ListQueuesCommand({})),
        sns.send(new PublishCommand({ TopicArn: topicArn(resources.imageEventsTopic), Message: 'x' })),
      ]);
      const refused = answers.map(
        (answer) => answer.status === 'rejected' && answer.reason.$metadata.httpStatusCode,
      );
      const { status } = await send({ port: local.ports.dynamodb, target: '/', ...jsonRequest });
      expect({ name, refused: [...refused, status] }).toEqual({ name, refused: [403, 403, 403, 403] });
    }
  });

  test('accept a signature only for the request that was signed', async () => {
    const { dynamodb } = await acceptedRequests();
    if (dynamodb === undefined) throw new Error('The request is missing.');
    const authorization = String(dynamodb.headers?.['authorization']);
    const refused: Readonly<Record<string, Sent>> = {
      'another operation': {
        ...dynamodb,
        headers: { ...dynamodb.headers, 'x-amz-target': 'DynamoDB_20120810.DeleteTable' },
      },
      'another path': { ...dynamodb, target: '/else' },
      'another query': { ...dynamodb, target: '/?a=b' },
      'another time': { ...dynamodb, headers: { ...dynamodb.headers, 'x-amz-date': '20200101T000000Z' } },
      'fewer headers': {
        ...dynamodb,
        headers: { ...dynamodb.headers, authorization: authorization.replace('host;', '') },
      },
      'no signature': {
        ...dynamodb,
        headers: { ...dynamodb.headers, authorization: authorization.replace(/, Signature.*/, '') },
      },
      'an invalid query': { ...dynamodb, target: '//?%' },
    };
    for (const [name, request] of Object.entries(refused)) {
      expect({ name, status: (await send(request)).status }).toEqual({ name, status: 403 });
    }
    expect((await send(dynamodb)).status).toBe(200);
  });

  test('explain what is wrong to a client with wrong settings', async () => {
    const config = {
      region,
      credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'x' },
      maxAttempts: 1,
    };
    const endpoint = endpointOf(local.ports.sqs);
    const sentence = 'The request is not signed with the credentials in the data folder of this npm start.';
    const list = new SQSClient({ ...config, endpoint }).send(new ListQueuesCommand({}));
    await expect(list).rejects.toThrow(sentence);
    const publish = new SNSClient({ ...config, endpoint }).send(
      new PublishCommand({ TopicArn: topicArn(resources.imageEventsTopic), Message: 'x' }),
    );
    await expect(publish).rejects.toThrow(sentence);
  });
});

test('the same processes still work afterwards', async () => {
  expect(await statuses(() => ({}))).toEqual(all(200));
  expect(local.errors()).not.toContain(' died ');
});
