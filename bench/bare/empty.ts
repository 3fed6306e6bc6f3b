import { peakMiBOf } from '../processes/answer.ts';
import { printAndExit } from '../processes/output.ts';

/** An empty Node.js process. Prints its peak memory in MiB. */
printAndExit(String(peakMiBOf('self')));
