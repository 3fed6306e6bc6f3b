import { setTimeout } from 'node:timers/promises';
import type { Check } from '../check.ts';
import { held } from '../outcome.ts';
import { postAndWait } from '../replies.ts';
import { newPhoto } from '../test-images.ts';

const idleSeconds = 300;

export const patienceChecks: readonly Check[] = [
  {
    name: 'after-idling',
    group: 'patience',
    quick: false,
    needsCaller: true,
    description:
      'After five minutes without a request of this run, when Lambda has frozen its processes, an upload is ready as usual.',
    async run(context) {
      await setTimeout(idleSeconds * 1000, undefined, { signal: context.signal });
      const started = Date.now();
      const { status } = await postAndWait(context, await newPhoto());
      return held(`${status} after ${((Date.now() - started) / 1000).toFixed(1)} s.`);
    },
  },
];
