import { writeSync } from 'node:fs';

/** A process whose event loop is blocked forever. */
writeSync(1, 'blocks\n');
for (;;);
