import type { APIGatewayProxyEventV2, SQSEvent } from 'aws-lambda';

/** The event of a POST request (API Gateway, HTTP API, payload format 2.0). */
export const postEvent = (
  path: string,
  body: Buffer,
  rawPath = `/dev${path}`,
  query = '',
): APIGatewayProxyEventV2 => ({
  version: '2.0',
  routeKey: `POST ${path}`,
  rawPath,
  rawQueryString: query,
  headers: { 'content-type': 'image/jpg', host: 'api.example' },
  requestContext: {
    accountId: '111122223333',
    apiId: 'abc123',
    domainName: 'api.example',
    domainPrefix: 'api',
    http: { method: 'POST', path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'curl' },
    requestId: 'request',
    routeKey: `POST ${path}`,
    stage: 'dev',
    time: '23/Nov/2026:20:00:00 +0000',
    timeEpoch: 1,
  },
  body: body.toString('base64'),
  isBase64Encoded: true,
});

/** The body of a message with S3's notification of new objects. */
export const createdMessage = (...keys: readonly string[]): string => createdAt(new Date(), ...keys);

export const createdAt = (time: Date, ...keys: readonly string[]): string =>
  JSON.stringify({
    Records: keys.map((key) => ({
      eventName: 'ObjectCreated:Put',
      eventTime: time.toISOString(),
      s3: { bucket: { name: 'raw-bucket' }, object: { key } },
    })),
  });

/** The same messages, received once more. */
export const redelivered = ({ Records }: SQSEvent): SQSEvent => ({
  Records: Records.map((record) => ({
    ...record,
    attributes: { ...record.attributes, ApproximateReceiveCount: '2' },
  })),
});

/** The event of an SQS event source, with `message-0`, `message-1` and so on. */
export const queueEvent = (...bodies: readonly string[]): SQSEvent => ({
  Records: bodies.map((body, index) => ({
    messageId: `message-${index}`,
    receiptHandle: 'receipt',
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '1',
      SenderId: 'S3',
      ApproximateFirstReceiveTimestamp: '1',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-2:111122223333:resize',
    awsRegion: 'us-east-2',
  })),
});
