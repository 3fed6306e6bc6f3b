import { writeSync } from 'node:fs';

/** A process that never comes back to its event loop. */
writeSync(1, 'blocks\n');
for (;;);
