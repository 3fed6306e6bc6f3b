/**
 * Whether every program reads the same path from this target. `\`, `//`, `.`, `..` and their encoded forms
 * are read differently by different programs: one could check one path while another routes a different one.
 * No route needs them, nor `%25`, which allows double encoding.
 */
export const isPlainTarget = (target: string): boolean => {
  // A target may be a whole URL (RFC 9112, section 3.2.2): then its path counts.
  const pathAndQuery = target.replace(/^https?:\/\/[^/?#]*/i, '');
  const [path = ''] = pathAndQuery.split(/[?#]/, 1);
  return !/[\\\0-\x20\x7f]|%(?:2f|5c|25)|\/\/|\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path);
};

/** A path that no route has. It replaces a refused target, so the reply is the 404 for unknown paths. */
export const pathWithoutRoute = '/-';
