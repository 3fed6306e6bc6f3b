import { describeLogLine } from '../../local/terminal.ts';

const imageId = 'ee87fd4b'.padEnd(64, '0');
const timestamp = '2026-11-29T16:38:50.123Z';
const time = new Date(timestamp).toTimeString().slice(0, 8);
const line = (message: string, facts: object = {}, level = 'INFO'): string =>
  JSON.stringify({ level, message, timestamp, service: 'any', ...facts });

test.each([
  [line('upload accepted', { imageId, status: 'received', bytes: 1_965_527 }), 'upload    ee87fd4b 2.0 MB'],
  [
    line('upload accepted', { imageId, status: 'ready', bytes: 700 }),
    'upload    ee87fd4b 700 bytes (known: ready)',
  ],
  [
    line('upload announced', { imageId, status: 'received', bytes: 61_000_000 }),
    'announced ee87fd4b 61.0 MB',
  ],
  [
    line('thumbnails stored', {
      imageId,
      original: { width: 3000, height: 4000, bytes: 1 },
      thumbnails: { thumbnail: { key: 'k', width: 240, height: 320, bytes: 6976 } },
      resizeMilliseconds: 100,
      uploadToReadyMilliseconds: 812,
    }),
    'ready     ee87fd4b 3000 x 4000 -> 240 x 320, 7 KB, 0.8 s',
  ],
  [
    line('image refused', { imageId, code: 'image-corrupt', detail: 'It is damaged.' }, 'WARN'),
    'failed    ee87fd4b image-corrupt: It is damaged.',
  ],
  [line('moved to the slow lane', { imageId }), 'slow      ee87fd4b moved to the slow lane'],
  [line('image deleted', { imageId }), 'deleted   ee87fd4b'],
  [line('mail sent', { imageId, recipient: 'm…@example.com' }), 'mail      ee87fd4b sent to m…@example.com'],
  [
    line('message failed, to be delivered again', { error: { name: 'Error', message: 'no disk' } }, 'ERROR'),
    'error     message failed, to be delivered again: no disk',
  ],
])('shows %s as one short line', (text, expected) => {
  expect(describeLogLine(text)).toBe(`${time} ${expected}`);
});

test.each([
  line('request answered', { status: 200 }),
  line('resize polls', { queues: [] }),
  line('ingest listens', { port: 3000 }),
  line('nothing left to do', { imageId }),
  line('reconciled', { requeued: 0 }),
  '',
])('says nothing of %s', (text) => expect(describeLogLine(text)).toBeUndefined());

test('passes on what is not a log line', () => {
  expect(describeLogLine('Segmentation fault')).toBe('Segmentation fault');
  expect(describeLogLine('{"level":"INFO"}')).toBe('{"level":"INFO"}');
});
