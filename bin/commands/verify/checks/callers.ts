import type { HttpReply } from '../api.ts';
import type { Check } from '../check.ts';
import { held, judge, NotAsExpected, skipped } from '../outcome.ts';
import { describeReply, imageReplyOf, post, requireStatus } from '../replies.ts';
import { newPhoto } from '../test-images.ts';
import { throttlesOf } from './api.ts';

/** More than a burst and what the rate allows meanwhile; API Gateway counts only approximately. */
const burstFactor = 3;

/** More at the same time than a new account has functions (10), and few enough for one machine. */
const simultaneous = 100;

/** Who may use the API, and how often. */
export const callerChecks: readonly Check[] = [
  {
    name: 'unsigned-refused',
    group: 'callers',
    quick: true,
    description: 'With `auth`, an upload without credentials is refused.',
    async run({ stack, api, images }) {
      const { auth } = await stack.settings();
      if (auth === 'none') return skipped('Everyone may upload: auth is "none".');
      const photo = await newPhoto();
      images.add(photo);
      const reply = await api.send('POST', '/upload_image', { body: photo, caller: { kind: 'anonymous' } });
      requireStatus('An upload without credentials', reply, auth === 'iam' ? 403 : 401);
      return held(`${describeReply(reply)}.`);
    },
  },
  {
    name: 'signed-taken',
    group: 'callers',
    quick: true,
    needsCaller: true,
    description:
      'With `auth`, an upload with these credentials, or with the token in VERIFY_TOKEN, is taken.',
    async run(context) {
      const { auth } = await context.stack.settings();
      if (auth === 'none') return skipped('Everyone may upload: auth is "none".');
      const { status } = imageReplyOf('A signed upload', await post(context, await newPhoto()), 200, 202);
      return held(`${status}.`);
    },
  },
  {
    name: 'burst',
    group: 'callers',
    quick: false,
    needsCaller: true,
    description:
      'More uploads than the limit allows get 429, and none gets a server error. They have no body.',
    async run({ stack, api }) {
      if (stack.outputs.LoadBalancerDnsName !== undefined) {
        return skipped('API Gateway limits requests; the load balancer does not.');
      }
      const { burst } = throttlesOf({ stack })['POST /upload_image'] ?? {};
      if (burst === undefined) throw new NotAsExpected('The stage does not limit uploads.');
      const count = burstFactor * burst;
      const replies: HttpReply[] = [];
      let sent = 0;
      const sendSome = async (): Promise<void> => {
        while (sent < count) {
          sent += 1;
          replies.push(await api.send('POST', '/upload_image'));
        }
      };
      await Promise.all(Array.from({ length: Math.min(simultaneous, count) }, sendSome));
      const counts = Map.groupBy(replies, ({ status }) => status);
      const seen = [...counts].sort().map(([status, those]) => `${those.length} x ${status}`);
      const faults = [
        ...(counts.has(429) ? [] : [`None of ${count} uploads got 429.`]),
        ...replies
          .filter(({ status }) => status >= 500)
          .slice(0, 1)
          .map((reply) => `One got ${describeReply(reply)}.`),
      ];
      return judge(faults.length > 0 ? [...faults, `${seen.join(', ')}.`] : [], `${seen.join(', ')}.`);
    },
  },
];
