import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { readSettings } from '../../lib/settings.ts';
import { environmentsFor } from '../../local/environments.ts';
import { portsFrom } from '../../local/ports.ts';
import { freePort, until } from '../local/local-run.ts';
import { cleanUp, project, startNode } from '../local/processes.ts';

jest.setTimeout(90_000);

afterEach(cleanUp);

test('a body in chunks of one byte takes no more memory than any other', async () => {
  const port = await freePort();
  const ingest = startNode('containers/ingest.ts', {
    folder: project,
    // As separate objects, a million chunks would take three times as much and end the process.
    environment: {
      ...environmentsFor(portsFrom(port), readSettings({}), {
        accessKeyId: 'EXAMPLE',
        secretAccessKey: 'example',
      }).ingest,
      NODE_OPTIONS: '--max-old-space-size=64',
    },
  });
  await until('ingest', () => ingest.out().includes('ingest listens') || undefined);
  const socket = connect(port, '127.0.0.1');
  const reply = text(socket);
  socket.write(
    `POST /dev/upload_image HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  const block = '1\r\nx\r\n'.repeat(10_000);
  for (let blocks = 0; blocks < 100; blocks += 1) if (!socket.write(block)) await once(socket, 'drain');
  socket.write('0\r\n\r\n');
  expect(await reply).toMatch(/^HTTP\/1\.1 415 [\s\S]*"The image is text\./);
  expect(ingest.hasEnded()).toBe(false);
});
