import { acceptedTypes } from '../image/original-type.ts';
import type { ImageRecord, Original } from '../image/record.ts';
import { escaped } from '../runtime/html.ts';
import type { Mail } from './mailer.ts';
import type { Preview } from './preview.ts';

/** What a mail says; its text and its HTML both come from this. */
interface Message {
  readonly heading: string;
  readonly lead: string;
  readonly link?: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
}

const reason =
  'Somebody, probably you, uploaded this image and asked Thumbnail Generator to write to this address once it is ' +
  'done. Nothing more is sent unless somebody asks again.';

/** @param apiUrl where people reach the API: with the stage, without a slash at the end */
export const mailOf = (record: ImageRecord, apiUrl: string, preview?: Preview): Mail => {
  const message = messageOf(record, apiUrl);
  return {
    // Mail programs put mails of one subject together: those of several images must not look like one conversation.
    subject: `${message.heading} (${record.id.slice(0, 8)})`,
    text: textOf(message),
    html: htmlOf(message, preview),
    picture: preview,
  };
};

const messageOf = ({ id, original, error }: ImageRecord, apiUrl: string): Message => {
  const facts = [
    ['Original', originalText(original)],
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
    lead: 'It is at this link whenever you need it: the link does not expire.',
    link,
    facts,
  };
};

const count = new Intl.NumberFormat('en');

/** For example `JPEG, 4,032 × 3,024 pixels, 2,804,301 bytes`, or as much of it as is known. */
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
 * Styles stand at each element, because some mail programs drop all others. Text has no colour of its own, so that it
 * can be read on the light or dark ground that the reader's program gives it.
 */
const htmlOf = ({ heading, lead, link, facts }: Message, preview?: Preview): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(heading)}</title>
</head>
<body style="margin:0">
<div style="max-width:480px;margin:0 auto;padding:32px 24px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
<h1 style="margin:0 0 8px;font-size:22px;line-height:1.3">${escaped(heading)}</h1>
<p style="margin:0 0 24px">${escaped(lead)}</p>
${preview === undefined ? '' : picture(preview)}${link === undefined ? '' : button(link)}${facts.map(fact).join('\n')}
<p style="margin:24px 0 0;padding-top:16px;border-top:1px solid #a3a3a3;font-size:13px;opacity:.75">${escaped(reason)}</p>
</div>
</body>
</html>
`;

const picture = ({ id, width, height }: Preview): string =>
  `<p style="margin:0 0 24px"><img src="cid:${id}" width="${width}" height="${height}" alt="Preview of the thumbnail" style="display:block;max-width:100%;height:auto;border-radius:8px"></p>\n`;

const button = (link: string): string =>
  `<p style="margin:0 0 8px"><a href="${escaped(link)}" style="display:inline-block;padding:10px 20px;border-radius:6px;background:#1d5fd1;color:#ffffff;font-weight:600;text-decoration:none">Open the thumbnail</a></p>
<p style="margin:0 0 24px;font-size:13px;word-break:break-all"><a href="${escaped(link)}">${escaped(link)}</a></p>\n`;

const fact = ([name, value]: Message['facts'][number]): string =>
  `<p style="margin:0 0 12px;word-break:break-word"><span style="font-size:13px;opacity:.75">${escaped(name)}</span><br>${escaped(value)}</p>`;
