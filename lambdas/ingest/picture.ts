import type { Context } from 'hono';
import { html } from 'hono/html';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { thumbHashToDataURL } from 'thumbhash';

/** Whether the reply is meant for an `<img>`: its `Accept` lists images, and no page. */
export const wantsPicture = (c: Context): boolean => {
  const accept = c.req.header('Accept') ?? '';
  return /(?:^|,)\s*image\//i.test(accept) && !/text\/html|application\/json/i.test(accept);
};

export interface Picture {
  /** Read by people who do not see the picture. */
  readonly title: string;
  readonly width: number;
  readonly height: number;
  /** Base64. @default - a plain colour */
  readonly thumbhash?: string | undefined;
  readonly kind: 'pending' | 'failed';
}

const pictureHeaders = {
  'Content-Type': 'image/svg+xml',
  'Cache-Control': 'no-store',
  // Applies when it is opened as a page of its own.
  'Content-Security-Policy': "default-src 'none'; img-src data:",
} as const;

const symbols = {
  pending: html`<circle r="2.6" cx="-10"/><circle r="2.6"/><circle r="2.6" cx="10"/>`,
  failed: html`<path d="M-12 9l7-7 5 5 5-7 7 8M-14-11h28v22h-28zM-16-13l32 26" fill="none" stroke="#8b8796" stroke-width="2"/>`,
} as const;

/** A placeholder where a thumbnail cannot be shown. It is a picture, so that an `<img>` shows it. */
export const sendPicture = (
  c: Context,
  status: ContentfulStatusCode,
  { title, width, height, thumbhash, kind }: Picture,
): Response | Promise<Response> => {
  const blurred =
    thumbhash === undefined
      ? ''
      : html`<image width="100%" height="100%" preserveAspectRatio="none" href="${thumbHashToDataURL(Buffer.from(thumbhash, 'base64'))}"/>`;
  const picture = html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" role="img">
<title>${title}</title>
<rect width="100%" height="100%" fill="#e9e7ef"/>${blurred}
<svg x="50%" y="50%" overflow="visible" fill="#8b8796">${symbols[kind]}</svg>
</svg>
`;
  return c.body(String(picture), status, pictureHeaders);
};
