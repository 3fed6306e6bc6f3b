import { createRequire } from 'node:module';
import { printAndExit } from '../processes/output.ts';

/** `require-sharp <index.js>`: loads only sharp, from a package. */
const [, , indexFile = ''] = process.argv;
createRequire(indexFile)('sharp');
printAndExit('ready');
