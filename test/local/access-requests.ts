import { connect } from 'node:net';
import { host } from '../../local/ports.ts';

/** What the server sent on a connection until it closed it. */
export interface RawReply {
  /** Undefined when it closed the connection without a reply. */
  readonly status: number | undefined;
  readonly text: string;
}

/**
 * Sends exactly these bytes and reads until the server closes the connection.
 *
 * @throws Error when the server keeps the connection open
 */
export const sendRaw = (port: number, request: string | Buffer, milliseconds = 5000): Promise<RawReply> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, host);
    let text = '';
    const hang = setTimeout(() => {
      socket.destroy();
      reject(new Error(`No end after ${milliseconds} ms; so far: ${text.slice(0, 1000)}`));
    }, milliseconds);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    // A server that replies before it has read everything resets the connection.
    socket.on('error', () => {});
    socket.once('close', () => {
      clearTimeout(hang);
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(text) ?? [];
      resolve({ status: status === undefined ? undefined : Number(status), text });
    });
    socket.write(request);
  });

export interface RequestProps {
  readonly method?: string;
  /** @default - the correct Host header */
  readonly hostHeaders?: readonly string[];
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** A request whose every byte is chosen by the caller. The connection closes after the reply. */
export const rawRequest = (port: number, target: string, props: RequestProps = {}): Buffer => {
  const { method = 'GET', hostHeaders = [`Host: ${host}:${port}`], headers = [], body = '' } = props;
  const lines = [`${method} ${target} HTTP/1.1`, ...hostHeaders, 'Connection: close', ...headers];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
};

/** A malicious request, and the only correct reply. */
export interface HostileRequest {
  readonly what: string;
  readonly request: Buffer;
  /** Undefined when the connection must be closed without a reply. */
  readonly status: number | undefined;
}

/** Malicious requests to the API about an existing image. */
export const hostileRequests = (port: number, id: string): readonly HostileRequest[] => {
  const path = (what: string, target: string, status: number): HostileRequest => ({
    what,
    request: rawRequest(port, target),
    status,
  });
  const post = (what: string, headers: readonly string[], body: string, status: number): HostileRequest => ({
    what,
    request: rawRequest(port, '/dev/upload_image', { method: 'POST', headers, body }),
    status,
  });
  const method = (name: string, target: string, status: number | undefined): HostileRequest => ({
    what: `${name} ${target.slice(0, 20)}`,
    request: rawRequest(port, target, { method: name }),
    status,
  });
  const header = (what: string, headers: readonly string[], status: number): HostileRequest => ({
    what,
    request: rawRequest(port, `/dev/images/${'0'.repeat(64)}`, { headers }),
    status,
  });
  const hostHeader = (what: string, ...hostHeaders: readonly string[]): HostileRequest => ({
    what,
    request: rawRequest(port, `/dev/images/${id}`, { hostHeaders }),
    status: 400,
  });

  return [
    path('.. in the path', '/dev/images/../../etc/passwd', 404),
    path('%2e%2e in the path', `/dev/thumbnails/%2e%2e/images/%2e%2e/${id}`, 404),
    path('%2f in an id', `/dev/images/..%2f${id}`, 404),
    path('a slash in an id, encoded twice', `/dev/images/%252f${id}`, 404),
    path('a backslash in the path', `/dev\\images\\${id}`, 404),
    path('NUL after an id', `/dev/images/${id}%00`, 400),
    path('NUL alone', '/dev/images/%00', 400),
    path('two slashes', `//dev//images//${id}`, 404),
    path('a host after two slashes', `//example.org/dev/images/${id}`, 404),
    path('a slash at the end', `/dev/images/${id}/`, 404),
    path('the stage twice', `/dev/dev/images/${id}`, 404),
    path('another stage', `/prod/images/${id}`, 404),
    path('a path parameter', `/dev/images/${id};x=1`, 400),
    path('an encoded space after an id', `/dev/images/${id}%20`, 400),
    path('an encoded line break after an id', `/dev/images/${id}%0a`, 400),
    path('an id in capitals', `/dev/images/${id.toUpperCase()}`, 400),
    path('an id as a pattern', '/dev/images/*', 400),
    path('an id of 10 KB', `/dev/images/${'a'.repeat(10_000)}`, 400),
    path('an id of 100 KB', `/dev/images/${'a'.repeat(100_000)}`, 431),
    path('Unicode in an id', '/dev/images/日本語', 400),
    path('encoded Unicode in an id', '/dev/images/%E6%97%A5%E6%9C%AC', 400),
    path('digits of another script in an id', `/dev/images/${'%EF%BC%90'.repeat(64)}`, 400),
    path('bytes that are no UTF-8', '/dev/images/%ff%fe', 400),
    path('half an encoded byte', '/dev/images/%zz%', 400),
    path('a variant that JavaScript objects have', `/dev/thumbnails/${id}/__proto__`, 404),
    path('a variant of 8 KB', `/dev/thumbnails/${id}/${'x'.repeat(8000)}`, 404),
    path('.. as a variant', `/dev/thumbnails/${id}/..%2f..%2fraw`, 404),
    path('10,000 query parameters', `/dev/images/none?${'a=1&'.repeat(10_000)}`, 431),
    path('3,000 query parameters', `/dev/images/none?${'a=1&'.repeat(3000)}`, 400),
    path('an encoded header in the path', '/dev/images/%0d%0aSet-Cookie:%20injected=1', 400),
    path(
      'an encoded header in the query',
      '/dev/images/none?%0d%0aSet-Cookie:%20injected=1%0d%0a%0d%0a<script>',
      400,
    ),
    path('a header in the path', '/dev/images/none HTTP/1.1\r\nSet-Cookie: injected=1\r\nX:', 400),
    path('an absolute target on another host', `http://example.org/dev/images/none`, 421),
    path('an absolute target on the S3 emulator', 'http://127.0.0.1:1/thumbnail-images/', 421),
    path('no slash at the start', `dev/images/${id}`, 400),
    path('a fragment', `/dev/images/#${id}`, 404),

    post('two equal lengths', ['Content-Length: 3', 'Content-Length: 3'], 'abc', 400),
    post('two different lengths', ['Content-Length: 3', 'Content-Length: 5'], 'abcde', 400),
    post('two lengths in one header', ['Content-Length: 3, 5'], 'abcde', 400),
    post('a length below zero', ['Content-Length: -3'], 'abc', 400),
    post('a length beyond all numbers', [`Content-Length: ${'9'.repeat(30)}`], 'abc', 400),
    post('a length beyond the limit', ['Content-Length: 999999999'], 'abc', 413),
    post(
      'a length and chunks, with a second request inside',
      ['Content-Length: 6', 'Transfer-Encoding: chunked'],
      `0\r\n\r\nGET /dev/images/${id} HTTP/1.1\r\nHost: x\r\n\r\n`,
      400,
    ),
    post('chunks under another name', ['Transfer-Encoding: xchunked'], '0\r\n\r\n', 400),
    post('chunks twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n', 400),
    post('a chunk of no size', ['Transfer-Encoding: chunked'], 'zz\r\nabc\r\n', 400),
    post('a chunk beyond all numbers', ['Transfer-Encoding: chunked'], `${'f'.repeat(30)}\r\nabc\r\n`, 400),
    post('an unknown expectation', ['Expect: miracles', 'Content-Length: 3'], 'abc', 417),

    header('a header of 20 KB', [`X-Long: ${'a'.repeat(20_000)}`], 431),
    header(
      '3,000 headers',
      Array.from({ length: 3000 }, (_, index) => `X-${index}: 1`),
      431,
    ),
    header('a line break in a header', ['Prefer: wait=1\rSet-Cookie: injected=1'], 400),
    header('NUL in a header', ['Prefer: wait=1\0'], 400),
    header('a folded header', ['Prefer: wait=1\r\n injected'], 400),
    header('a header without a name', [': value'], 400),
    header('an Accept header made of commas', [`Accept: ${',;='.repeat(3000)}`], 404),
    header('a Prefer header made of spaces', [`Prefer: ${' '.repeat(12_000)}wait`], 404),

    method('BREW', '/dev/upload_image', 400),
    method('get', `/dev/images/${id}`, 400),
    method('TRACE', `/dev/images/${id}`, 405),
    method('TRACE', '/dev/upload_image', 405),
    method('OPTIONS', '*', 400),
    method('OPTIONS', '/dev/upload_image', 405),
    method('DELETE', `/dev/images/${id}`, 405),
    method('PUT', `/dev/thumbnails/${id}`, 405),
    method('PROPFIND', `/dev/images/${id}`, 405),
    method('HEAD', '/dev/upload_image', 405),
    method('HEAD', '/dev/images/none', 400),
    method('CONNECT', '127.0.0.1:22', undefined),

    hostHeader('no Host'),
    hostHeader('a Host with a path', 'Host: example.org/dev?'),
    hostHeader('a Host with a user', 'Host: user@example.org'),
    hostHeader('a Host with markup', 'Host: "><script>'),
    hostHeader('a Host with a fragment', 'Host: example.org#'),

    { what: 'HTTP/3.0', request: Buffer.from('GET /dev/images/none HTTP/3.0\r\n\r\n'), status: 400 },
    { what: 'HTTP/2', request: Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), status: 400 },
    { what: 'TLS', request: Buffer.from('16030100c8010000c40303', 'hex'), status: 400 },
  ];
};
