import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import * as z from 'zod';
import { ImageError } from '../image/errors.ts';
import type { Log } from '../runtime/log.ts';

/** OpenID Connect Discovery 1.0, section 4. */
const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() });
const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

/** An issuer that takes longer counts as out of reach: its callers wait as long. */
const fetchMilliseconds = 3000;

/** No set of keys is larger, and whatever an issuer sends is held in memory. */
const maxReplyBytes = 1_000_000;

/** How old keys may be before they are fetched anew, while requests go on with those that are known. */
const freshMilliseconds = 10 * 60_000;

/** How often that is tried again. */
const refreshMilliseconds = 30_000;

/**
 * How long known keys are used while the issuer does not answer. A key that leaked and that the issuer has withdrawn must not
 * work for ever just because the issuer is out of reach.
 */
const maxAgeMilliseconds = 24 * 60 * 60_000;

/**
 * How often the issuer is asked, whatever tokens come: so many times at once, and once in each interval from then on. A key
 * that we do not know may be a new one or an invention. So its request waits for the next answer that is still to come, and
 * shares it with all who wait: inventions cannot make the issuer refuse us, nor hide a new key.
 */
const askBurst = 5;
const askIntervalMilliseconds = 1000;

/** How often the log says that the issuer is out of reach. */
const logIntervalMilliseconds = 60_000;

interface KnownKeys {
  readonly find: JWTVerifyGetKey;
  readonly fetchedAt: number;
}

/**
 * The keys that an OpenID Connect issuer signs with, found as its configuration says.
 *
 * @returns the key for a token; rejects with ImageError `issuer-unavailable` when the issuer would have to be asked and does not
 * answer, and with jose's `JWKSNoMatchingKey` when it has no such key
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
    if (configuration.issuer !== issuer) throw new Error(`${issuer} calls itself ${configuration.issuer}`);
    const keySet: JSONWebKeySet = keySetSchema.parse(await fetchJson(configuration.jwks_uri, signal));
    return { find: createLocalJWKSet(keySet), fetchedAt: Date.now() };
  };

  const noteFailure = (error: unknown): void => {
    isReachable = false;
    failedAt = Date.now();
    if (Date.now() - loggedAt < logIntervalMilliseconds) return;
    loggedAt = Date.now();
    log.error('token issuer out of reach', { issuer, error });
  };

  const noteSuccess = (): void => {
    if (!isReachable) log.info('token issuer in reach again', { issuer });
    isReachable = true;
    failedAt = Number.NEGATIVE_INFINITY;
    loggedAt = Number.NEGATIVE_INFINITY;
  };

  /** How many times the issuer may be asked now. */
  const asksLeft = (): number => {
    const now = Date.now();
    const earned = Math.floor((now - asksSince) / askIntervalMilliseconds);
    asks = Math.min(askBurst, asks + earned);
    asksSince = asks === askBurst ? now : asksSince + earned * askIntervalMilliseconds;
    return asks;
  };

  /** Settles when the issuer may be asked the next time. */
  const mayAsk = async (): Promise<void> => {
    while (asksLeft() === 0) await sleep(asksSince + askIntervalMilliseconds - Date.now());
    asks -= 1;
  };

  const ask = async (): Promise<KnownKeys> => {
    try {
      known = await fetchKeys();
      noteSuccess();
      return known;
    } catch (error) {
      noteFailure(error);
      throw error;
    }
  };

  /** The next answer that is asked for from now on: what was asked before may have been answered before a new key was there. */
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

  const unavailable = (cause?: unknown): ImageError =>
    new ImageError(
      'issuer-unavailable',
      'The issuer of tokens does not answer. Please try again in a moment.',
      {
        cause,
      },
    );

  const newKeys = async (): Promise<KnownKeys> => {
    // Who would have to wait for an issuer that has just failed is told so at once.
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
      // Any answer will do.
      return asking === undefined ? newKeys() : asking.catch((error) => Promise.reject(unavailable(error)));
    }
    // Nobody waits for this, and its failure is in the log.
    if (age > freshMilliseconds && Date.now() - failedAt > refreshMilliseconds) askSoon().catch(() => {});
    return known;
  };

  const findIn = async (keys: KnownKeys, ...token: Parameters<JWTVerifyGetKey>) => {
    try {
      return await keys.find(...token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
        throw error;
      // Whatever else is wrong with a key is the fault of the issuer that published it.
      noteFailure(error);
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

/** @throws Error for anything but JSON; a redirect may lead to where nobody may ask for keys */
const fetchJson = async (url: string, signal: AbortSignal): Promise<unknown> => {
  const response = await fetch(url, { signal, redirect: 'error', headers: { Accept: 'application/json' } });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${url} answers ${response.status}`);
  }
  let text = '';
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (text.length > maxReplyBytes) throw new Error(`${url} sends more than ${maxReplyBytes} bytes`);
  }
  return JSON.parse(text);
};
