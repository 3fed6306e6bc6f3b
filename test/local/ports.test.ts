import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { host, portsFrom, refuseBusyPorts } from '../../local/ports.ts';
import { freePort } from './local-run.ts';

let other: Server;

afterEach(() => {
  other.close();
});

const listenOn = async (port: number): Promise<void> => {
  other = createServer();
  await once(other.listen(port, host), 'listening');
};

test('waits for the ports of an earlier run that is stopping', async () => {
  const ports = portsFrom(await freePort());
  await listenOn(ports.sqs);
  setTimeout(() => other.close(), 500);
  await refuseBusyPorts(ports);
  expect(other.listening).toBe(false);
});

test('refuses a port that stays in use, and names it', async () => {
  const ports = portsFrom(await freePort());
  await listenOn(ports.dynamodb);
  await expect(refuseBusyPorts(ports)).rejects.toThrow(
    `Port ${ports.dynamodb} (DynamoDB) cannot be used: something else listens on it.`,
  );
});
