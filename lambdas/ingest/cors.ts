import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import * as z from 'zod';

const rule = 'a list of origins such as "https://www.example.com", or ["*"] for every page';

/** Origins as browsers send them: without a path, in lower case, without a default port. */
const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

/** Pages of these origins may use the API and the buckets. */
export const corsOriginsSchema = z
  .array(z.string())
  .max(50)
  .refine((origins) => origins.every(isOrigin) || (origins.length === 1 && origins[0] === '*'), {
    error: `expected ${rule}`,
  })
  .meta({ rule });

/** Headers of replies that a page may read, besides those that every page may. */
const exposedHeaders = ['Link', 'Location', 'Preference-Applied', 'Retry-After', 'WWW-Authenticate'];

/** How long a browser remembers the answer to a preflight request. Chromium allows no more. */
export const preflightSeconds = 7200;

/** Answers preflight requests, and lets pages of these origins read replies. Programs get no such headers. */
export const allowOrigins = (origins: readonly string[]): MiddlewareHandler => {
  const allow = cors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowMethods: ['GET', 'HEAD', 'POST', 'DELETE'],
    exposeHeaders: exposedHeaders,
    maxAge: preflightSeconds,
  });
  return (c, next) => (c.req.header('Origin') === undefined ? next() : allow(c, next));
};
