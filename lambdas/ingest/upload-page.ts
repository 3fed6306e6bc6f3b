import { createHash } from 'node:crypto';
import type { Context, Handler } from 'hono';
import { html, raw } from 'hono/html';
import { acceptedTypes } from '../image/original-type.ts';
import type { Auth } from './auth.ts';
import { readClient, readScript, readStyle } from './web-files.ts';

export interface UploadPageProps {
  /** Where browsers fetch thumbnails and send large images. */
  readonly bucketOrigins: () => Promise<readonly string[]>;
  readonly auth: Auth;
  readonly corsOrigins: readonly string[];
  /** Where the caller reaches the API: with the stage, without a trailing slash. */
  readonly apiUrl: (c: Context) => string;
}

/** Long enough for one page, short enough for a new version. */
const clientSeconds = 300;

export const createClientHandler = (): Handler => {
  let text: string | undefined;
  return (c) => {
    text ??= readClient();
    return c.body(text, 200, {
      'Content-Type': 'text/javascript; charset=utf-8',
      'Cache-Control': `public, max-age=${clientSeconds}`,
      // Pages of other origins import it, whether or not they may use the API.
      'Access-Control-Allow-Origin': '*',
      'Cross-Origin-Resource-Policy': 'cross-origin',
    });
  };
};

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The page at `GET /`, on which people upload images. */
export const createUploadPageHandler = ({
  bucketOrigins,
  auth,
  corsOrigins,
  apiUrl,
}: UploadPageProps): Handler => {
  let latest: { readonly apiUrl: string; readonly style: string; readonly script: string } | undefined;
  // Only listed pages may frame it, to pass it a token.
  const parents = typeof auth === 'object' ? corsOrigins.filter((origin) => origin !== '*') : [];
  return async (c) => {
    const url = apiUrl(c);
    if (latest?.apiUrl !== url) latest = { apiUrl: url, style: readStyle(), script: readScript(url) };
    const { style, script } = latest;
    const buckets = await bucketOrigins();
    const policy = [
      "default-src 'none'",
      `style-src ${hashOf(style)}`,
      `script-src ${hashOf(script)} ${new URL(url).origin}`,
      `connect-src 'self' ${buckets.join(' ')}`,
      `img-src 'self' data: blob: ${buckets.join(' ')}`,
      "base-uri 'none'",
      // A form is answered with a redirect to the link, which redirects to a bucket.
      `form-action 'self' ${buckets.join(' ')}`,
      `frame-ancestors ${parents.length > 0 ? parents.join(' ') : "'none'"}`,
    ];
    return c.html(pageOf({ url, style, script, auth, parents }), 200, {
      'Content-Security-Policy': policy.join('; '),
      // Without a referrer a form would be sent with the origin "null".
      'Referrer-Policy': 'same-origin',
      'Cache-Control': 'no-cache',
      ...(parents.length > 0 ? {} : { 'X-Frame-Options': 'DENY' }),
    });
  };
};

interface PageParts {
  readonly url: string;
  readonly style: string;
  readonly script: string;
  readonly auth: Auth;
  readonly parents: readonly string[];
}

const accepted = Object.keys(acceptedTypes).join(',');

const pageOf = ({ url, style, script, auth, parents }: PageParts) => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Thumbnail Generator</title>
<link rel="icon" href="data:,">
<style>${raw(style)}</style>
</head>
<body>
<main data-api="${url}" data-auth="${typeof auth === 'object' ? 'jwt' : auth}" data-origins="${parents.join(' ')}">
<h1>Get a thumbnail</h1>
<p>Drop an image, and copy a link that always shows its thumbnail.</p>
<p class="note" role="alert" hidden></p>
<section class="drop" aria-label="Upload">
<svg viewBox="0 0 48 48" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><rect x="5" y="8" width="38" height="32" rx="6"/><circle cx="16" cy="19" r="3.5"/><path d="M6 34l10-9 8 7 8-9 11 11"/></svg>
<div class="choices">
<label>Choose images<input type="file" name="file" accept="${accepted}" multiple></label>
<label class="camera">Take a photo<input type="file" accept="image/*" capture="environment"></label>
</div>
<p>Or drop or paste them here. Several at once are fine.</p>
</section>
<noscript><form method="post" enctype="multipart/form-data" action="${url}/upload_image"><p class="note">Without JavaScript you can upload one image of up to 4.7 MB: <input type="file" name="file" required> <button>Upload</button></p></form></noscript>
<ul aria-label="Uploads"></ul>
<footer><p>For programs: <a href="${url}/openapi.json">the API's description</a> and <a href="${url}/client.js">its JavaScript client</a>.</p></footer>
</main>
<script type="module">${raw(script)}</script>
</body>
</html>
`;
