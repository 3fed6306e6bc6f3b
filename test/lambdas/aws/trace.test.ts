import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createS3Client } from '../../../lambdas/aws/clients.ts';
import { createEvents } from '../../../lambdas/aws/events.ts';
import { createOriginals } from '../../../lambdas/aws/originals.ts';
import { createResizeRequests } from '../../../lambdas/aws/resize-requests.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { receivedEvent } from '../../../lambdas/image/new-event.ts';
import { recordSchema } from '../../../lambdas/image/record.ts';

/*
 * One trace from upload to thumbnail: requests of a traced function to S3, SQS and SNS name the trace, and
 * these services pass it on (X-Ray Developer Guide, "Amazon S3", "Amazon SQS", "Amazon SNS").
 */

const trace = 'Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1';
let server: Server;
let traces: (string | string[] | undefined)[];

beforeAll(async () => {
  server = createServer((request, response) => {
    traces.push(request.headers['x-amzn-trace-id']);
    request.resume().on('end', () => response.end('{}'));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  Object.assign(process.env, {
    AWS_REGION: 'us-east-2',
    AWS_ACCESS_KEY_ID: 'EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'example',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    // What Lambda gives a traced function.
    AWS_LAMBDA_FUNCTION_NAME: 'ingest',
    _X_AMZN_TRACE_ID: trace,
  });
});
afterAll(() => server.close());
beforeEach(() => {
  traces = [];
});

const bytes = Buffer.from('an image');
const id = imageIdOf(bytes);
const record = recordSchema.parse({
  id,
  status: 'received',
  createdAt: '2026-11-23T20:00:00.000Z',
  changedAt: '2026-11-23T20:00:00.000Z',
  original: { bytes: 8 },
});

test.each([
  [
    'an original',
    () => createOriginals(createS3Client({ forcePathStyle: true }), 'raw-bucket').put(id, bytes, 'image/png'),
  ],
  [
    'a request',
    () => createResizeRequests(`${process.env['AWS_ENDPOINT_URL']}/111122223333/resize`).send(id),
  ],
  [
    'an event',
    () => createEvents('arn:aws:sns:us-east-2:111122223333:image-events').publish(receivedEvent(record)),
  ],
])('%s carries the trace on', async (_, send) => {
  // The answer is none that the SDK can read; what counts is what was asked.
  await send().catch(() => undefined);
  expect(traces.length).toBeGreaterThan(0);
  expect(new Set(traces)).toEqual(new Set([trace]));
});
