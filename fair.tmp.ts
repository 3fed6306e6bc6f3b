import { fairness } from './test/trials/load/fairness.ts';
import { report } from './test/trials/report.ts';
report('fair', await fairness({ seed: 1, uploads: 40 }));
