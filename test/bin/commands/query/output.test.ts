import { asCsv, asJson, asTable } from '../../../../bin/commands/query/output.ts';

const answer = {
  columns: ['code', 'images', 'share'],
  rows: [
    ['image-corrupt', 1_234_567, 99.9],
    ['', 1, 0.1],
    [null, 0, null],
  ],
};
const awkward = { columns: ['text'], rows: [['a,b'], ['say "a"'], ['two\nlines'], [' a ']] };
const nothing = { columns: ['code', 'images'], rows: [] };

test('a table aligns its columns, with numbers on the right and thousands separators', () => {
  expect(asTable(answer)).toBe(
    [
      'code              images  share',
      '-------------  ---------  -----',
      'image-corrupt  1,234,567   99.9',
      '                       1    0.1',
      '                       0',
      '',
    ].join('\n'),
  );
  expect(asTable(nothing)).toBe('code  images\n----  ------\n');
});

test('CSV quotes special characters', () => {
  expect(asCsv(answer)).toBe('code,images,share\nimage-corrupt,1234567,99.9\n,1,0.1\n,0,\n');
  expect(asCsv(awkward)).toBe('text\n"a,b"\n"say ""a"""\n"two\nlines"\n a \n');
  expect(asCsv(nothing)).toBe('code,images\n');
});

test('JSON has an object for each row', () => {
  expect(JSON.parse(asJson(answer))).toEqual([
    { code: 'image-corrupt', images: 1_234_567, share: 99.9 },
    { code: '', images: 1, share: 0.1 },
    { code: null, images: 0, share: null },
  ]);
  expect(JSON.parse(asJson(nothing))).toEqual([]);
});
