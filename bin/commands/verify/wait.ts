import { setTimeout } from 'node:timers/promises';

export interface WaitProps {
  readonly timeoutSeconds: number;
  /** @default 1 */
  readonly intervalSeconds?: number;
  readonly signal: AbortSignal;
}

/** Asks again until the answer is right, or the time is over. @returns the last answer */
export const waitFor = async <Answer>(
  ask: () => Promise<Answer>,
  isRight: (answer: Answer) => boolean,
  { timeoutSeconds, intervalSeconds = 1, signal }: WaitProps,
): Promise<Answer> => {
  const until = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const answer = await ask();
    if (isRight(answer) || Date.now() + intervalSeconds * 1000 > until) return answer;
    await setTimeout(intervalSeconds * 1000, undefined, { signal });
  }
};
