// The client of the API, for browsers and Node.js 20 or newer. Types and documentation: client.d.ts.

/** Larger files go straight to S3: API Gateway accepts no larger body. */
const maxInlineBytes = 4_700_000;
const maxAttempts = 5;
const maxPauseSeconds = 20;

/** @implements {import('./client.d.ts').UploadError} */
export class UploadError extends Error {
  name = 'UploadError';

  /** @param {{ code: string, detail: string, status?: number, retryAfterSeconds?: number, cause?: unknown }} problem */
  constructor({ code, detail, status, retryAfterSeconds, cause }) {
    super(detail, { cause });
    this.code = code;
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** @type {typeof import('./client.d.ts').upload} */
export const upload = async (file, { api, token, onProgress, signal, waitSeconds = 120 }) => {
  const base = api.replace(/\/+$/, '');
  const blob = file instanceof Blob ? file : new Blob([/** @type {BlobPart} */ (file)]);
  const retries = { signal, canRenewToken: typeof token === 'function' };
  let sent = 0;
  /** @param {import('./client.d.ts').Progress['phase']} phase */
  const report = (phase, loaded = 0) => {
    sent = Math.max(sent, Math.min(loaded, blob.size));
    onProgress?.({ phase, loaded: sent, total: blob.size });
  };

  /**
   * @param {string} method
   * @param {string} path
   * @param {Omit<Call, 'method' | 'url' | 'signal'>} [given]
   */
  const call = async (method, path, given = {}) => {
    const access = typeof token === 'function' ? await token() : token;
    const headers = {
      Accept: 'application/json',
      ...(access ? { Authorization: `Bearer ${access}` } : {}),
      ...given.headers,
    };
    const reply = await send({ ...given, method, url: `${base}${path}`, headers, signal });
    if (reply.status < 300) return reply.json();
    const { code, detail } = reply.json(true);
    throw new UploadError({
      code: code ?? 'unexpected-reply',
      detail: detail ?? `The API answered with status ${reply.status}.`,
      status: reply.status,
      retryAfterSeconds: reply.retryAfterSeconds,
    });
  };

  report('reading');
  // Read once: what is hashed is what is sent, even if the file changes meanwhile.
  const bytes = await blob.arrayBuffer().catch((cause) => {
    throw new UploadError({ code: 'unreadable-file', detail: 'The file changed or cannot be read.', cause });
  });
  // Pages without HTTPS cannot hash. They can still post small images.
  const hash = globalThis.crypto?.subtle && new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  signal?.throwIfAborted();

  const post = () =>
    call('POST', '/upload_image', {
      body: bytes,
      headers: {
        'Content-Type': blob.type || 'application/octet-stream',
        Prefer: 'wait=10',
        ...(hash ? { 'Content-Digest': `sha-256=:${base64Of(hash)}:` } : {}),
      },
      onProgress: (loaded) => report('uploading', loaded),
    });

  const announceAndPut = async () => {
    if (!hash) {
      throw new UploadError({ code: 'unreadable-file', detail: 'Large files need a page with HTTPS.' });
    }
    const announced = await call('POST', '/uploads', {
      body: JSON.stringify({ sha256: hexOf(hash), bytes: blob.size }),
      headers: { 'Content-Type': 'application/json' },
    });
    if (!announced.upload) return announced;
    const { method, url, headers } = announced.upload;
    const onProgress = (/** @type {number} */ loaded) => report('uploading', loaded);
    const { status } = await send({ method, url, headers, body: bytes, signal, onProgress });
    // 412: another upload has stored the same bytes.
    if (status < 300 || status === 412) return announced;
    // Bytes that changed on the way, a URL that ended, or another upload under way: announce it again.
    throw new UploadError({
      code: 'upload-refused',
      detail: `S3 answered with status ${status}.`,
      status: 503,
    });
  };

  let isLarge = blob.size > maxInlineBytes;
  report('uploading');
  let record = await withRetries(async () => {
    try {
      return await (isLarge ? announceAndPut() : post());
    } catch (error) {
      if (isLarge || !(error instanceof UploadError) || error.code !== 'body-too-large') throw error;
      isLarge = true;
      return announceAndPut();
    }
  }, retries);

  report('processing', blob.size);
  const endsAt = Date.now() + waitSeconds * 1000;
  for (let pauseSeconds = 0.2; record.status === 'received'; pauseSeconds = Math.min(2, pauseSeconds * 1.4)) {
    if (Date.now() > endsAt) {
      throw new UploadError({
        code: 'still-processing',
        detail: `No thumbnail yet. Its link is ${record.link}`,
      });
    }
    await pause(pauseSeconds, signal);
    record = await withRetries(() => call('GET', `/images/${record.id}`), retries);
  }
  if (record.status === 'failed') throw new UploadError({ status: 422, ...record.error });
  return record;
};

/** What another try may change: no reply, changed bytes, too many requests, a busy or failing server. */
const isWorthRetry = (/** @type {UploadError} */ { code, status = 0, retryAfterSeconds = 0 }) =>
  (['unreachable', 'checksum-mismatch'].includes(code) || [408, 429].includes(status) || status >= 500) &&
  retryAfterSeconds <= maxPauseSeconds;

/**
 * @template Result
 * @param {() => Promise<Result>} run
 * @param {{ signal: AbortSignal | undefined, canRenewToken: boolean }} options
 */
const withRetries = async (run, { signal, canRenewToken }) => {
  let hasRenewed = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof UploadError) || attempt === maxAttempts) throw error;
      // A token may end during an upload. A fresh one is asked for once.
      const renews = error.status === 401 && canRenewToken && !hasRenewed;
      if (!renews && !isWorthRetry(error)) throw error;
      hasRenewed ||= renews;
      const backoffSeconds = renews ? 0 : 0.25 * 2 ** attempt * (0.5 + Math.random());
      await pause(Math.max(error.retryAfterSeconds ?? 0, backoffSeconds), signal);
    }
  }
};

/**
 * @param {number} seconds
 * @param {AbortSignal | undefined} signal
 */
const pause = (seconds, signal) =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve(undefined);
    }, seconds * 1000);
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
  });

/**
 * @typedef {object} Call
 * @property {string} method
 * @property {string} url
 * @property {Record<string, string>} [headers]
 * @property {ArrayBuffer | string} [body]
 * @property {AbortSignal | undefined} [signal]
 * @property {(loaded: number) => void} [onProgress]
 */

/** @param {number} status @param {string | null | undefined} retryAfter @param {string} text */
const replyOf = (status, retryAfter, text) => ({
  status,
  retryAfterSeconds: Number(retryAfter) || undefined,
  json: (isLenient = false) => {
    try {
      return JSON.parse(text);
    } catch (cause) {
      if (isLenient) return {};
      throw new UploadError({ code: 'unexpected-reply', detail: 'The reply is not JSON.', status, cause });
    }
  },
});

/** @param {unknown} [cause] */
const unreachable = (cause) =>
  new UploadError({ code: 'unreachable', detail: 'The server cannot be reached.', cause });

/** Only XMLHttpRequest tells how much of a body was sent; Node.js has none. */
const send = (/** @type {Call} */ call) =>
  call.onProgress && globalThis.XMLHttpRequest ? sendWithProgress(call) : sendWithFetch(call);

const sendWithFetch = async (/** @type {Call} */ { url, onProgress: _, ...request }) => {
  try {
    const reply = await fetch(url, request);
    return replyOf(reply.status, reply.headers.get('Retry-After'), await reply.text());
  } catch (cause) {
    request.signal?.throwIfAborted();
    throw unreachable(cause);
  }
};

/** @returns {Promise<ReturnType<typeof replyOf>>} */
const sendWithProgress = ({ method, url, headers = {}, body, signal, onProgress }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => onProgress?.(loaded);
    request.onload = () => {
      // Asking for one header that S3 does not expose would write an error to the console.
      const [, retryAfter] = /^retry-after: (\d+)/im.exec(request.getAllResponseHeaders()) ?? [];
      resolve(replyOf(request.status, retryAfter, request.responseText));
    };
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(signal?.reason);
    request.onloadend = () => signal?.removeEventListener('abort', abort);
    signal?.addEventListener('abort', abort);
    request.send(body);
    if (signal?.aborted) abort();
  });

const hexOf = (/** @type {Uint8Array} */ bytes) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const base64Of = (/** @type {Uint8Array} */ bytes) => btoa(String.fromCharCode(...bytes));
