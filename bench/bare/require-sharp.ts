import { createRequire } from 'node:module';
import { say } from '../processes/say.ts';

/** `require-sharp <index.js>`: loads the sharp of a package and nothing else. */
const [, , indexFile = ''] = process.argv;
createRequire(indexFile)('sharp');
say('ready');
