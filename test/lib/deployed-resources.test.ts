import { readFileSync } from 'node:fs';
import { deployedResources } from './deployed-resources.ts';

test('deploying over a recorded version replaces and removes nothing that holds data or is an address', () => {
  const recorded: Readonly<Record<string, object>> = JSON.parse(
    readFileSync('test/lib/deployed-resources.json', 'utf8'),
  );
  // New resources may come; each recorded one must still be there, the same.
  expect(deployedResources()).toMatchObject(recorded);
});
