import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Files that browsers get. A package of the function has them in a folder of the same name. */
const webFile = (name: string): string => readFileSync(join(import.meta.dirname, 'web', name), 'utf8');

export const readClient = (): string => webFile('client.js');

export const readStyle = (): string => webFile('page.css');

/** One script without imports other than the client's, so that one hash allows it. */
export const readScript = (apiUrl: string): string => {
  const thumbHash = readFileSync(createRequire(import.meta.filename).resolve('thumbhash'), 'utf8');
  return [
    `import { upload } from ${JSON.stringify(`${apiUrl}/client.js`)};`,
    thumbHash.replaceAll(/^export /gm, ''),
    webFile('page.js'),
  ].join('\n');
};
