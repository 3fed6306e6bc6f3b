import { createHash } from 'node:crypto';
import { readCursor, writeCursor } from '../../../lambdas/owners/cursor.ts';

const position = { createdAt: '2026-11-29T12:00:00.000Z', imageId: 'ab'.repeat(32) };
const cursor = writeCursor('alice', position);
const refused = expect.objectContaining({ code: 'invalid-cursor', field: 'cursor' });

test('a cursor leads back to its place', () => {
  expect(readCursor('alice', cursor)).toEqual(position);
  expect(cursor).toMatch(/^[\w-]+$/);
});

test('refuses the cursor of another owner', () => {
  expect(() => readCursor('bob', cursor)).toThrow(refused);
});

test('refuses a cursor with any changed, missing or additional character', () => {
  for (let index = 0; index < cursor.length; index += 1) {
    const other = cursor[index] === 'A' ? 'B' : 'A';
    const changed = cursor.slice(0, index) + other + cursor.slice(index + 1);
    expect(() => readCursor('alice', changed)).toThrow(refused);
    expect(() => readCursor('alice', cursor.slice(0, index))).toThrow(refused);
  }
  for (const added of ['A', '=', ' ', '.', '\0']) {
    expect(() => readCursor('alice', cursor + added)).toThrow(refused);
    expect(() => readCursor('alice', added + cursor)).toThrow(refused);
  }
});

test.each(['', 'x', 'null', '[]', '%00', 'A'.repeat(10_000), `${'../'.repeat(20)}`])('refuses %j', (text) => {
  expect(() => readCursor('alice', text)).toThrow(refused);
});

test.each(['', '{', 'null', '[]', '["2026-13-01T00:00:00Z","x"]'])(
  'refuses %j with a right checksum',
  (text) => {
    const checksum = createHash('sha256').update('alice').update(text).digest().subarray(0, 12);
    const forged = Buffer.concat([checksum, Buffer.from(text)]).toString('base64url');
    expect(() => readCursor('alice', forged)).toThrow(refused);
  },
);

test('refuses another spelling of the same bytes', () => {
  const standard = Buffer.from(cursor, 'base64url').toString('base64');
  expect(Buffer.from(standard, 'base64')).toEqual(Buffer.from(cursor, 'base64url'));
  for (const spelling of [standard, `${cursor}==`, `${cursor}\n`]) {
    if (spelling !== cursor) expect(() => readCursor('alice', spelling)).toThrow(refused);
  }
});
