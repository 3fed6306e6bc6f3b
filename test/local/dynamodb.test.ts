import { once } from 'node:events';
import { connect } from 'node:net';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { startCatalogServer } from '../catalog-server.ts';
import { signedJson } from './signed-request.ts';

test('the DynamoDB emulator survives a client that disconnects in the middle of a request', async () => {
  // GIVEN
  const { endpoint, tableName, credentials, client, stop } = await startCatalogServer();
  const socket = connect(Number(new URL(endpoint).port), '127.0.0.1');
  const { headers, body } = await signedJson(endpoint, credentials, tableName);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write(`POST / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body.slice(0, 5)}`);
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
