import { writeFileSync } from 'node:fs';
import { deployedResources } from './deployed-resources.ts';

/** Records the resources of this version for later ones: `npx node test/lib/record-deployed-resources.ts`. */
writeFileSync('test/lib/deployed-resources.json', `${JSON.stringify(deployedResources(), null, 2)}\n`);
