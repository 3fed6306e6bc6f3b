import { peakMiBOf } from '../processes/answer.ts';
import { say } from '../processes/say.ts';

/** Nothing but Node.js. Says how much memory it took, in MiB. */
say(String(peakMiBOf('self')));
