/**
 * Whether a request's target, as it was sent, can only mean one path. What parses or decodes a path again, in front of this
 * service or within it, reads `\`, `//`, `.` and `..`, and their encoded forms, in ways of its own, so that one checks a
 * path and another one routes by a different one. No path of ours needs any of them. Nor `%25`, which is a second encoding.
 */
export const isPlainTarget = (target: string): boolean => {
  // RFC 9112, section 3.2.2: a whole URL is allowed, and its path is judged.
  const pathAndQuery = target.replace(/^https?:\/\/[^/?#]*/i, '');
  const [path = ''] = pathAndQuery.split(/[?#]/, 1);
  return !/[\\\0-\x20\x7f]|%(?:2f|5c|25)|\/\/|\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path);
};

/** Where a request is led whose target is refused: no route has this path, so the reply is the one for unknown paths. */
export const unknownPath = '/-';
