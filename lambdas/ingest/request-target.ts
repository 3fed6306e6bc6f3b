/**
 * Whether a request target can mean one path only. Programs that parse or decode a path again read `\`, `//`,
 * `.` and `..`, and their encoded forms, each in its own way: one would check one path, and another route a
 * different one. No route needs any of them, nor `%25`, which is a second encoding.
 */
export const isPlainTarget = (target: string): boolean => {
  // A target may be a whole URL (RFC 9112, section 3.2.2): then its path counts.
  const pathAndQuery = target.replace(/^https?:\/\/[^/?#]*/i, '');
  const [path = ''] = pathAndQuery.split(/[?#]/, 1);
  return !/[\\\0-\x20\x7f]|%(?:2f|5c|25)|\/\/|\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path);
};

/** A path without a route: it replaces a refused target, so that the reply is the one for unknown paths. */
export const pathWithoutRoute = '/-';
