import { html } from 'hono/html';
import { acceptedTypes } from '../image/original-type.ts';
import type { ImageRecord, Original } from '../image/record.ts';
import type { Mail } from './mailer.ts';
import type { Preview } from './preview.ts';

/** The content of a mail, from which its text and its HTML are made. */
interface Message {
  readonly heading: string;
  readonly lead: string;
  readonly link?: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
}

const reason =
  'You get this mail because someone, probably you, uploaded this image and asked Thumbnail Generator to notify this ' +
  'address. There will be no further mail unless someone asks for it.';

/** @param apiUrl where callers reach the API: with the stage, without a trailing slash */
export const mailOf = (record: ImageRecord, apiUrl: string, preview?: Preview): Mail => {
  const message = messageOf(record, apiUrl);
  return {
    // Mail programs group mails by subject: mails about different images must not look like one conversation.
    subject: `${message.heading} (${record.id.slice(0, 8)})`,
    text: textOf(message),
    html: String(htmlOf(message, preview)),
    picture: preview,
  };
};

const messageOf = ({ id, original, error }: ImageRecord, apiUrl: string): Message => {
  const facts = [
    ['Original', originalText(original)],
    ...(original.damage === undefined ? [] : [['Please note', original.damage] as const]),
    ['Image id', id],
  ] as const;
  if (error !== undefined) {
    return {
      heading: 'No thumbnail could be made',
      lead: error.detail,
      facts: [['Error code', error.code], ...facts],
    };
  }
  const link = `${apiUrl}/thumbnails/${id}`;
  return {
    heading: 'Your thumbnail is ready',
    lead: 'This link to it does not expire.',
    link,
    facts,
  };
};

const count = new Intl.NumberFormat('en');

/** For example `JPEG, 4,032 × 3,024 pixels, 2,804,301 bytes`, or the part of it that is known. */
const originalText = ({ contentType, width, height, bytes }: Original): string => {
  const knownType = Object.entries(acceptedTypes).find(([type]) => type === contentType);
  const isDecoded = width !== undefined && height !== undefined;
  return [
    knownType?.[1] ?? contentType,
    isDecoded ? `${count.format(width)} × ${count.format(height)} pixels` : undefined,
    `${count.format(bytes)} bytes`,
  ]
    .filter((part) => part !== undefined)
    .join(', ');
};

const textOf = ({ heading, lead, link, facts }: Message): string =>
  [
    heading,
    lead,
    ...(link === undefined ? [] : [link]),
    facts.map(([name, value]) => `${name}: ${value}`).join('\n'),
    reason,
  ].join('\n\n');

/**
 * Each element has its own style, because some mail programs drop all others. Text has no colour of its own,
 * so that it is legible on the light or dark background of the reader's program.
 */
const htmlOf = ({ heading, lead, link, facts }: Message, preview?: Preview) => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${heading}</title>
</head>
<body style="margin:0">
<div style="max-width:480px;margin:0 auto;padding:32px 24px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
<h1 style="margin:0 0 8px;font-size:22px;line-height:1.3">${heading}</h1>
<p style="margin:0 0 24px">${lead}</p>
${preview && picture(preview)}
${link && button(link)}
${facts.map(fact)}
<p style="margin:24px 0 0;padding-top:16px;border-top:1px solid #a3a3a3;font-size:13px;opacity:.75">${reason}</p>
</div>
</body>
</html>
`;

const picture = ({ id, width, height }: Preview) =>
  html`<p style="margin:0 0 24px"><img src="cid:${id}" width="${width}" height="${height}" alt="Preview of the thumbnail" style="display:block;max-width:100%;height:auto;border-radius:8px"></p>`;

const button = (link: string) =>
  html`<p style="margin:0 0 8px"><a href="${link}" style="display:inline-block;padding:10px 20px;border-radius:6px;background:#1d5fd1;color:#ffffff;font-weight:600;text-decoration:none">Open the thumbnail</a></p>
<p style="margin:0 0 24px;font-size:13px;word-break:break-all"><a href="${link}">${link}</a></p>`;

const fact = ([name, value]: Message['facts'][number]) =>
  html`<p style="margin:0 0 12px;word-break:break-word"><span style="font-size:13px;opacity:.75">${name}</span><br>${value}</p>`;
