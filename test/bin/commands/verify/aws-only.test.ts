import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ApiGatewayV2Client, GetStagesCommand } from '@aws-sdk/client-apigatewayv2';
import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import {
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  type TargetHealthDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { isAccessLine } from '../../../../bin/commands/verify/checks/logs.ts';
import { createContext, make } from './context.ts';

/** What the emulator of the deployment tests does not have. */

const apiGateway = mockClient(ApiGatewayV2Client);
const athena = mockClient(AthenaClient);
const cloudFormation = mockClient(CloudFormationClient);
const cloudWatch = mockClient(CloudWatchClient);
const loadBalancing = mockClient(ElasticLoadBalancingV2Client);
const s3 = mockClient(S3Client);

/** Stands in for the API. */
let server: Server;
let baseUrl: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => answer(request, response));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  baseUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/dev`;
});

beforeEach(() => {
  for (const client of [apiGateway, athena, cloudFormation, cloudWatch, loadBalancing, s3]) client.reset();
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const thumbnail = {
  url: 'https://thumbnails.example.com/key',
  contentType: 'image/webp',
  width: 320,
  height: 240,
  bytes: 1000,
};

/** The reply to an upload whose thumbnails are there. */
const ready = JSON.stringify({
  id: 'f'.repeat(64),
  status: 'ready',
  url: thumbnail.url,
  link: 'https://api.example.com/dev/thumbnails/ffff',
  thumbnails: { thumbnail },
  original: {},
});

const uploadThrottle = { ThrottlingRateLimit: 10, ThrottlingBurstLimit: 2 };

const stage = {
  type: 'AWS::ApiGatewayV2::Stage',
  physicalId: 'dev',
  properties: {
    DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
    RouteSettings: { 'POST /upload_image': uploadThrottle },
  },
};

describe('throttles', () => {
  test('holds where the stage has the limits of the template', async () => {
    apiGateway.on(GetStagesCommand).resolves({ Items: [{ StageName: 'dev', ...stage.properties }] });
    expect(await make('throttles', createContext({ resources: [stage] }))).toEqual({
      status: 'held',
      seen: '2 limits.',
    });
  });

  test('fails where a route lost its limit', async () => {
    apiGateway
      .on(GetStagesCommand)
      .resolves({ Items: [{ StageName: 'dev', ...stage.properties, RouteSettings: {} }] });
    expect(await make('throttles', createContext({ resources: [stage] }))).toEqual({
      status: 'failed',
      seen: 'POST /upload_image: unlimited requests a second, not 10.',
    });
  });
});

describe('burst', () => {
  test.each([
    ['holds where the rest gets 429', [400, 400, 429, 429, 429, 429], 'held', '2 x 400, 4 x 429.'],
    ['fails where all are taken', [400], 'failed', 'None of 6 uploads got 429. 6 x 400.'],
    [
      'fails where one gets a server error',
      [400, 400, 429, 429, 429, 503],
      'failed',
      'One got 503. 2 x 400, 3 x 429, 1 x 503.',
    ],
  ] as const)('%s', async (_what, statuses, status, seen) => {
    let count = 0;
    answer = (_request, response) => {
      response.writeHead(statuses[count] ?? 400).end();
      count += 1;
    };
    expect(await make('burst', createContext({ resources: [stage], baseUrl }))).toEqual({ status, seen });
  });
});

describe('gateway-limit', () => {
  test('holds where API Gateway refuses', async () => {
    answer = (_request, response) => response.writeHead(413).end('{"message":"Request Entity Too Large"}');
    expect(await make('gateway-limit', createContext({ baseUrl }))).toEqual({
      status: 'held',
      seen: '413 {"message":"Request Entity Too Large"}.',
    });
  });

  test('fails where the body reached the function', async () => {
    answer = (_request, response) =>
      response.writeHead(413).end('{"code":"body-too-large","detail":"Too large."}');
    await expect(make('gateway-limit', createContext({ baseUrl }))).rejects.toMatchObject({
      name: 'NotAsExpected',
      message: 'An upload of more than 10 MB was refused by the function.',
    });
  });
});

describe('an upload whose reply does not wait, as when many callers wait', () => {
  const received = ready.replace('"ready"', '"received"');
  const failed = received.replace(
    '"received"',
    '"failed","error":{"code":"image-corrupt","detail":"It is damaged."}',
  );

  /** The reply to the upload, then the records. */
  const reply = (records: readonly string[]) => {
    let count = 0;
    answer = (request, response) => {
      if (request.method === 'POST') return response.writeHead(202).end(received);
      count += 1;
      return response.writeHead(200).end(records[count - 1] ?? records.at(-1));
    };
  };

  test('holds once the record is ready', async () => {
    reply([received, ready]);
    expect(await make('next-image', createContext({ baseUrl }))).toEqual({ status: 'held', seen: 'ready.' });
  });

  test('holds once the record of a corrupt image has its reason', async () => {
    reply([received, failed]);
    expect(await make('corrupt-image', createContext({ baseUrl }))).toEqual({
      status: 'held',
      seen: 'failed image-corrupt.',
    });
  });

  test('fails if another reason is given', async () => {
    reply([failed]);
    await expect(make('bomb', createContext({ baseUrl }))).rejects.toMatchObject({
      name: 'NotAsExpected',
      message: 'A bomb is failed image-corrupt, not failed image-too-large.',
    });
  });
});

describe('access-log', () => {
  const line = {
    time: '29/Nov/2026:12:00:00 +0000',
    requestId: 'abc=',
    ip: '192.0.2.1',
    route: 'POST /upload_image',
    status: '202',
    responseBytes: '800',
    milliseconds: '120',
    error: '-',
    integrationError: '-',
  };

  test('reads a line as the stage writes it', () => {
    expect(isAccessLine(JSON.stringify(line))).toBe(true);
  });

  test.each([
    ['no JSON', '{"time":"29/Nov/2026","error":"a "quoted" reason"}'],
    ['without a route', JSON.stringify({ ...line, route: undefined })],
    ['with a status that is none', JSON.stringify({ ...line, status: '-' })],
  ])('refuses a line that is %s', (_what, text) => {
    expect(isAccessLine(text)).toBe(false);
  });
});

describe('metrics', () => {
  test('asks for the metrics of this service, and holds once all have points', async () => {
    answer = (_request, response) => response.writeHead(200).end(ready);
    cloudWatch.on(GetMetricDataCommand).callsFake(({ MetricDataQueries }) => ({
      MetricDataResults: MetricDataQueries.map(({ Id }: { readonly Id: string }) => ({ Id, Values: [1] })),
    }));
    expect(await make('metrics', createContext({ baseUrl }))).toMatchObject({
      status: 'held',
      seen: expect.stringContaining('Uploads, Ready, UploadToReadyMilliseconds'),
    });
    const [call] = cloudWatch.commandCalls(GetMetricDataCommand);
    expect(call?.args[0].input.MetricDataQueries).toHaveLength(3);
    expect(call?.args[0].input.MetricDataQueries?.[0]?.MetricStat?.Metric).toEqual({
      Namespace: 'ThumbnailGenerator',
      MetricName: 'Uploads',
      Dimensions: [{ Name: 'service', Value: 'Photos' }],
    });
  });
});

describe('targets-healthy', () => {
  const targetGroup = { type: 'AWS::ElasticLoadBalancingV2::TargetGroup', physicalId: 'arn', properties: {} };
  const target = (
    State: 'healthy' | 'draining' | 'unhealthy',
    Description = '',
  ): TargetHealthDescription => ({
    Target: { Id: '10.0.0.1' },
    TargetHealth: { State, Description },
  });

  test.each([
    [
      'holds, also while an old task drains',
      [target('healthy'), target('draining')],
      'held',
      'Healthy: 1 target.',
    ],
    ['fails without a target', [target('draining')], 'failed', 'Resource has no targets.'],
    [
      'fails with one that is not healthy',
      [target('healthy'), target('unhealthy', 'Health checks failed with these codes: [503]')],
      'failed',
      '10.0.0.1 is unhealthy Health checks failed with these codes: [503]',
    ],
  ] as const)('%s', async (_what, targets, status, seen) => {
    loadBalancing.on(DescribeTargetHealthCommand).resolves({ TargetHealthDescriptions: [...targets] });
    expect(await make('targets-healthy', createContext({ resources: [targetGroup] }))).toEqual({
      status,
      seen,
    });
  });

  test('does not apply without containers', async () => {
    expect(await make('targets-healthy', createContext())).toMatchObject({ status: 'skipped' });
  });
});

describe('lake-row', () => {
  const lake = [
    { OutputKey: 'DatabaseName', OutputValue: 'photos' },
    { OutputKey: 'WorkGroupName', OutputValue: 'photos-queries' },
  ];

  beforeEach(() => {
    answer = (_request, response) => response.writeHead(200).end(ready);
    cloudFormation.on(DescribeStacksCommand, { StackName: 'PhotosDataLake' }).resolves({
      Stacks: [
        {
          StackName: 'PhotosDataLake',
          CreationTime: undefined,
          StackStatus: 'CREATE_COMPLETE',
          Outputs: lake,
        },
      ],
    });
    athena.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: 'query' });
    athena.on(StopQueryExecutionCommand).resolves({});
    athena.on(GetQueryExecutionCommand).resolves({
      QueryExecution: {
        Status: { State: 'SUCCEEDED' },
        ResultConfiguration: { OutputLocation: 's3://lake/results/query.csv' },
      },
    });
    athena.on(GetQueryResultsCommand).resolves({
      ResultSet: { Rows: [{ Data: [{ VarCharValue: '_col0' }] }, { Data: [{ VarCharValue: '1' }] }] },
    });
    s3.on(DeleteObjectCommand).resolves({});
  });

  test('holds once the table has the row, and removes the result of its query', async () => {
    const undo: (() => Promise<void>)[] = [];
    const context = createContext({ baseUrl, undoLater: (_what, step) => undo.push(step) });
    expect(await make('lake-row', context)).toMatchObject({ status: 'held' });
    expect(athena.commandCalls(StartQueryExecutionCommand)[0]?.args[0].input).toMatchObject({
      WorkGroup: 'photos-queries',
      QueryString: expect.stringContaining(`image_id = '${'f'.repeat(64)}'`),
    });
    for (const step of undo) await step();
    expect(s3.commandCalls(DeleteObjectCommand).map(({ args }) => args[0].input)).toEqual([
      { Bucket: 'lake', Key: 'results/query.csv' },
      { Bucket: 'lake', Key: 'results/query.csv.metadata' },
    ]);
  });

  test('fails when the query fails, with the reason of Athena', async () => {
    athena.on(GetQueryExecutionCommand).resolves({
      QueryExecution: { Status: { State: 'FAILED', StateChangeReason: 'TABLE_NOT_FOUND' } },
    });
    await expect(make('lake-row', createContext({ baseUrl }))).rejects.toMatchObject({
      name: 'NotAsExpected',
      message: 'A query is FAILED. TABLE_NOT_FOUND',
    });
  });

  test('does not apply without a data lake', async () => {
    cloudFormation
      .on(DescribeStacksCommand)
      .rejects(
        Object.assign(new Error('Stack with id PhotosDataLake does not exist'), { name: 'ValidationError' }),
      );
    expect(await make('lake-row', createContext())).toEqual({
      status: 'skipped',
      seen: 'There is no data lake.',
    });
  });
});
