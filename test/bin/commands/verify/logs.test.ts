import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { mockClient } from 'aws-sdk-client-mock';
import { createContext, make } from './context.ts';

const logs = mockClient(CloudWatchLogsClient);
const logGroup = { type: 'AWS::Logs::LogGroup', physicalId: '/photos/ingest', properties: {} };
const search = () => make('no-access-denied', createContext({ resources: [logGroup] }));

beforeEach(() => {
  logs.reset();
});

test('finds a refused permission on a later page of a log', async () => {
  const message = JSON.stringify({
    error: { message: 'User: x is not authorized to perform: s3:PutObject' },
  });
  logs
    .on(FilterLogEventsCommand)
    .resolvesOnce({ events: [], nextToken: '2' })
    .resolvesOnce({ events: [{ eventId: '1', message }] })
    .resolves({ events: [] });
  expect(await search()).toEqual({
    status: 'failed',
    seen: 'Resource: User: x is not authorized to perform: s3:PutObject',
  });
});

test('holds where no log has one', async () => {
  logs.on(FilterLogEventsCommand).resolves({ events: [] });
  expect(await search()).toMatchObject({ status: 'held', seen: expect.stringContaining('1 log since') });
});

test('does not claim to have searched a log that is too long', async () => {
  let page = 0;
  logs.on(FilterLogEventsCommand).callsFake(() => {
    page += 1;
    return { events: [], nextToken: String(page) };
  });
  expect(await search()).toMatchObject({ status: 'unknown', seen: expect.stringContaining('Resource') });
});
