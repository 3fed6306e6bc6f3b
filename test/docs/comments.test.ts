import { globSync, readFileSync } from 'node:fs';

const files = globSync(['{bench,bin,containers,lambdas,lib,local,test}/**/*.ts', 'Dockerfile', '.ci/run']);

/** A line that starts as a comment, or continues one. */
const comment = /^\s*(?:\/\/|\/?\*|#(?!!))/;

test('no comment line is longer than 110 columns', () => {
  const long = files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (comment.test(line) && line.length > 110 ? [`${file}:${index + 1}`] : [])),
  );
  expect(files).toEqual(expect.arrayContaining(['.ci/run', 'Dockerfile', 'lib/settings.ts']));
  expect(long).toEqual([]);
});
