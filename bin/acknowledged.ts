import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import * as z from 'zod';

/** Prints every acknowledged finding in cdk.out with its reason. */
const metadata = z.record(z.string(), z.array(z.object({ type: z.string(), data: z.unknown().optional() })));

for (const file of readdirSync('cdk.out').filter((name) => name.endsWith('.metadata.json'))) {
  const entries = metadata.parse(JSON.parse(readFileSync(join('cdk.out', file), 'utf8')));
  for (const [path, list] of Object.entries(entries)) {
    for (const { type, data } of list) {
      if (type !== Validations.ACKNOWLEDGED_RULES_METADATA_KEY) continue;
      for (const [rule, reason] of Object.entries(z.record(z.string(), z.string()).parse(data))) {
        console.log(`${path.slice(1)}  ${rule.replace('Annotation::', '')}\n  ${reason}\n`);
      }
    }
  }
}
