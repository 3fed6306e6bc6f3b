import { once } from 'node:events';
import { connect } from 'node:net';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { startCatalogServer } from '../catalog-server.ts';

test('the embedded DynamoDB outlives a client that breaks off in the middle of a request', async () => {
  // GIVEN
  const { endpoint, tableName, client, stop } = await startCatalogServer();
  const socket = connect(Number(new URL(endpoint).port), '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nhalf');
  await once(socket, 'connect');
  // WHEN
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.resetAndDestroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  // THEN
  const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
  expect(Table?.TableStatus).toBe('ACTIVE');
  await stop();
});
