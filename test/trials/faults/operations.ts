import { resources } from '../../../local/aws.ts';

/** The replies of a service that fails or throttles, in its own format. */
interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

interface Service {
  readonly error: Answer;
  readonly throttle: Answer;
}

const xml = (status: number, code: string, envelope?: string): Answer => {
  const error = `<Error><Code>${code}</Code><Message>Made to fail.</Message></Error>`;
  const body = envelope === undefined ? error : `<${envelope}>${error}</${envelope}>`;
  return { status, contentType: 'application/xml', body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` };
};

const json = (status: number, type: string): Answer => ({
  status,
  contentType: 'application/x-amz-json-1.0',
  body: JSON.stringify({ __type: type, message: 'Made to fail.' }),
});

export const services = {
  s3: { error: xml(500, 'InternalError'), throttle: xml(503, 'SlowDown') },
  dynamodb: {
    error: json(500, 'com.amazonaws.dynamodb.v20120810#InternalServerError'),
    throttle: json(400, 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException'),
  },
  sqs: {
    error: json(500, 'com.amazonaws.sqs#InternalFailure'),
    throttle: json(403, 'com.amazonaws.sqs#RequestThrottled'),
  },
  sns: {
    error: xml(500, 'InternalError', 'ErrorResponse'),
    throttle: xml(400, 'Throttling', 'ErrorResponse'),
  },
} as const satisfies Readonly<Record<string, Service>>;

export type ServiceName = keyof typeof services;

/** The part of a request that identifies its operation. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly target: string;
}

interface Operation<Name extends string> {
  readonly name: Name;
  readonly service: ServiceName;
  /** Whether a request has a body, half of which can arrive. */
  readonly hasBody: boolean;
  readonly is: (request: RequestHead) => boolean;
}

const object = <Name extends string>(
  name: Name,
  expectedMethod: string,
  bucket: string,
): Operation<Name> => ({
  name,
  service: 's3',
  hasBody: expectedMethod === 'PUT',
  is: ({ method, path }) => method === expectedMethod && new RegExp(`^/${bucket}/[^?]`).test(path),
});

const action =
  (service: ServiceName, prefix: string) =>
  <Name extends string>(name: Name): Operation<Name> => ({
    name,
    service,
    hasBody: true,
    is: ({ target }) => target === `${prefix}.${name}`,
  });
const dynamodb = action('dynamodb', 'DynamoDB_20120810');
const sqs = action('sqs', 'AmazonSQS');

/** Every call of ingest, the workers and the reconciler, by its name in the matrix. */
export const operations = [
  object('PutOriginal', 'PUT', resources.rawBucket),
  object('PutThumbnail', 'PUT', resources.thumbnailBucket),
  object('GetObject', 'GET', resources.rawBucket),
  object('HeadObject', 'HEAD', resources.rawBucket),
  object('DeleteObject', 'DELETE', resources.rawBucket),
  {
    name: 'ListVersions',
    service: 's3',
    hasBody: false,
    is: ({ method, path }: RequestHead) => method === 'GET' && path.startsWith(`/${resources.rawBucket}/?`),
  },
  dynamodb('GetItem'),
  dynamodb('PutItem'),
  dynamodb('UpdateItem'),
  dynamodb('Query'),
  sqs('ReceiveMessage'),
  sqs('DeleteMessage'),
  sqs('SendMessage'),
  sqs('GetQueueAttributes'),
  // The only call to SNS.
  { name: 'Publish', service: 'sns', hasBody: true, is: () => true },
] as const;

export type OperationName = (typeof operations)[number]['name'];

/** @returns undefined for requests of others, such as a client that opens a presigned URL */
export const operationOf = (service: ServiceName, request: RequestHead): OperationName | undefined =>
  operations.find((operation) => operation.service === service && operation.is(request))?.name;
