import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';

const style = `
  :root { color-scheme: light dark; }
  body { font: 1.1rem/1.5 system-ui, sans-serif; display: grid; place-content: center; min-height: 100vh; margin: 0; text-align: center; }
  h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
  p { margin: 0; max-width: 34rem; padding: 0 1rem; opacity: .75; }
`;

/** The page runs no script, loads nothing and cannot be framed, so even injected markup could do nothing. */
export const pageHeaders = {
  'Content-Security-Policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  // For browsers without `frame-ancestors`.
  'X-Frame-Options': 'DENY',
  // The link contains the image's hash, which gives access to the image.
  'Referrer-Policy': 'no-referrer',
} as const;

/** Shown when someone opens the link of an image that is pending or failed. */
export const page = (title: string, text: string, refreshSeconds?: number) => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refreshSeconds === undefined ? '' : html`<meta http-equiv="refresh" content="${refreshSeconds}">`}
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${text}</p>
</main>
</body>
</html>
`;
