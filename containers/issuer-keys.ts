import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import * as z from 'zod';
import type { Log } from '../lambdas/runtime/log.ts';
import { RequestError } from '../lambdas/runtime/request-error.ts';

/** OpenID Connect Discovery 1.0, section 4. */
const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() });
const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

/** A slower issuer counts as unreachable. Callers wait as long. */
const fetchMilliseconds = 3000;

/** Replies are held in memory. No real key set is larger. */
const maxReplyBytes = 1_000_000;

/** Older keys are refreshed in the background, while requests use the known ones. */
const freshMilliseconds = 10 * 60_000;

/** The pause before a failed refresh is retried. */
const refreshMilliseconds = 30_000;

/**
 * How long known keys are used while the issuer is unreachable. A leaked key that the issuer has withdrawn
 * must not work indefinitely.
 */
const maxAgeMilliseconds = 24 * 60 * 60_000;

/**
 * Limits the requests to the issuer, whatever tokens arrive: a burst, then one in each interval. An unknown
 * key may be new or invented, so its request waits for the next reply and shares it with all that wait.
 * Invented keys can neither make the issuer throttle this process nor hide a new key.
 */
const askBurst = 5;
const askIntervalMilliseconds = 1000;

/** How often an unreachable issuer is logged. */
const logIntervalMilliseconds = 60_000;

interface KnownKeys {
  readonly find: JWTVerifyGetKey;
  readonly fetchedAt: number;
}

/**
 * The signing keys of an OpenID Connect issuer, found through its configuration.
 *
 * @returns finds the key of a token. Rejects with RequestError `issuer-unavailable` when the issuer is needed
 *   and unreachable, and with jose's `JWKSNoMatchingKey` when it has no such key
 */
export const createIssuerKeys = (issuer: string, log: Log): JWTVerifyGetKey => {
  let known: KnownKeys | undefined;
  let asks = askBurst;
  let asksSince = Date.now();
  let asking: Promise<KnownKeys> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  let loggedAt = Number.NEGATIVE_INFINITY;
  let isReachable = true;

  const fetchKeys = async (): Promise<KnownKeys> => {
    const signal = AbortSignal.timeout(fetchMilliseconds);
    const configuration = discoverySchema.parse(
      await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal),
    );
    if (configuration.issuer !== issuer)
      throw new Error(`The issuer ${issuer} identifies itself as ${configuration.issuer}.`);
    const keySet: JSONWebKeySet = keySetSchema.parse(await fetchJson(configuration.jwks_uri, signal));
    return { find: createLocalJWKSet(keySet), fetchedAt: Date.now() };
  };

  const recordFailure = (error: unknown): void => {
    isReachable = false;
    failedAt = Date.now();
    if (Date.now() - loggedAt < logIntervalMilliseconds) return;
    loggedAt = Date.now();
    log.error('token issuer unreachable', { issuer, error });
  };

  const recordSuccess = (): void => {
    if (!isReachable) log.info('token issuer in reach again', { issuer });
    isReachable = true;
    failedAt = Number.NEGATIVE_INFINITY;
    loggedAt = Number.NEGATIVE_INFINITY;
  };

  /** Requests that the limit allows now. */
  const asksLeft = (): number => {
    const now = Date.now();
    const earned = Math.floor((now - asksSince) / askIntervalMilliseconds);
    asks = Math.min(askBurst, asks + earned);
    asksSince = asks === askBurst ? now : asksSince + earned * askIntervalMilliseconds;
    return asks;
  };

  /** Waits until the limit allows a request, and counts it. */
  const mayAsk = async (): Promise<void> => {
    while (asksLeft() === 0) await sleep(asksSince + askIntervalMilliseconds - Date.now());
    asks -= 1;
  };

  const ask = async (): Promise<KnownKeys> => {
    try {
      known = await fetchKeys();
      recordSuccess();
      return known;
    } catch (error) {
      recordFailure(error);
      throw error;
    }
  };

  /** The reply to a request that starts from now on: an earlier one may predate a new key. */
  let next: Promise<KnownKeys> | undefined;
  const askSoon = (): Promise<KnownKeys> => {
    next ??= (async () => {
      await asking?.catch(() => {});
      await mayAsk();
      asking = ask().finally(() => {
        asking = undefined;
      });
      next = undefined;
      return asking;
    })();
    return next;
  };

  const unavailable = (cause?: unknown): RequestError =>
    new RequestError('issuer-unavailable', 'The token issuer does not respond. Retry later.', { cause });

  const newKeys = async (): Promise<KnownKeys> => {
    // Does not wait for an issuer that has just failed.
    if (asksLeft() === 0 && Date.now() - failedAt < askIntervalMilliseconds) throw unavailable();
    try {
      return await askSoon();
    } catch (error) {
      throw unavailable(error);
    }
  };

  const usableKeys = async (): Promise<KnownKeys> => {
    const age = known === undefined ? Number.POSITIVE_INFINITY : Date.now() - known.fetchedAt;
    if (known === undefined || age > maxAgeMilliseconds) {
      // Any reply is good enough.
      return asking === undefined ? newKeys() : asking.catch((error) => Promise.reject(unavailable(error)));
    }
    // In the background. `recordFailure` logs its failure.
    if (age > freshMilliseconds && Date.now() - failedAt > refreshMilliseconds) askSoon().catch(() => {});
    return known;
  };

  const findIn = async (keys: KnownKeys, ...token: Parameters<JWTVerifyGetKey>) => {
    try {
      return await keys.find(...token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
        throw error;
      // Everything else is wrong with the key that the issuer published.
      recordFailure(error);
      throw unavailable(error);
    }
  };

  return async (...token) => {
    const keys = await usableKeys();
    try {
      return await findIn(keys, ...token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return findIn(await newKeys(), ...token);
    }
  };
};

/** @throws Error for anything but JSON, and for a redirect: it may lead to an untrusted server */
const fetchJson = async (url: string, signal: AbortSignal): Promise<unknown> => {
  const response = await fetch(url, { signal, redirect: 'error', headers: { Accept: 'application/json' } });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${url} replied with the status ${response.status}.`);
  }
  let text = '';
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (text.length > maxReplyBytes)
      throw new Error(`The reply of ${url} has more than ${maxReplyBytes} bytes.`);
  }
  return JSON.parse(text);
};
