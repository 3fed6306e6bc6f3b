import { createHash } from 'node:crypto';
import { escaped } from '../runtime/html.ts';

const style = `
  :root { color-scheme: light dark; }
  body { font: 1.1rem/1.5 system-ui, sans-serif; display: grid; place-content: center; min-height: 100vh; margin: 0; text-align: center; }
  h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
  p { margin: 0; max-width: 34rem; padding: 0 1rem; opacity: .75; }
`;

/** The page runs nothing, loads nothing and is shown in no other page: what could be injected into it stays text. */
export const pageHeaders = {
  'Content-Security-Policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  // For browsers that do not know the last one.
  'X-Frame-Options': 'DENY',
  // A link is made of the image's hash, which opens it.
  'Referrer-Policy': 'no-referrer',
} as const;

/** What a person sees who opens a link before its thumbnail is there, or whose image failed. */
export const page = (title: string, text: string, refreshSeconds?: number): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${refreshSeconds}">\n`}<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
<p>${escaped(text)}</p>
</main>
</body>
</html>
`;
