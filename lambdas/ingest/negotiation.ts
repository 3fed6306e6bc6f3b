import type { Context } from 'hono';
import { accepts } from 'hono/accepts';

/** The longest wait that a caller may prefer: API Gateway ends a request after 30 s. */
const maxWaitSeconds = 20;

/** Whether `Accept` ranks a type above JSON. */
export const prefers = (c: Context, type: 'text/plain' | 'text/html'): boolean =>
  accepts(c, { header: 'Accept', supports: ['application/json', type], default: 'application/json' }) ===
  type;

/** The `wait` of a `Prefer` header (RFC 7240), capped; undefined when there is none. */
export const preferredWaitSeconds = (prefer: string | undefined): number | undefined => {
  const [, seconds] = /(?:^|[,;])\s*wait\s*=\s*"?(\d+)"?\s*(?:$|[,;])/i.exec(prefer ?? '') ?? [];
  return seconds === undefined ? undefined : Math.min(Number(seconds), maxWaitSeconds);
};

/** JSON that ends its line, because a terminal shows the next prompt behind it. */
export const sendJson = (c: Context, body: object, status: 200 | 201 | 202 = 200): Response =>
  c.body(`${JSON.stringify(body)}\n`, status, { 'Content-Type': 'application/json' });
