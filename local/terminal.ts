import * as z from 'zod';

const thumbnailSchema = z.object({ width: z.number(), height: z.number(), bytes: z.number() });

/** What is shown of a log line. */
const lineSchema = z.looseObject({
  level: z.string(),
  message: z.string(),
  timestamp: z.string(),
  imageId: z.string().optional(),
});

type Line = z.output<typeof lineSchema>;

const storedSchema = z.object({
  original: z.object({ width: z.number(), height: z.number(), damage: z.string().optional() }),
  thumbnails: z.record(z.string(), thumbnailSchema),
  uploadToReadyMilliseconds: z.number().optional(),
});
const acceptedSchema = z.object({ status: z.string(), bytes: z.number().optional() });
const refusedSchema = z.object({ code: z.string(), detail: z.string() });
const mailSchema = z.object({ recipient: z.string() });

/** Lines that say nothing about an image or a problem. */
const silent = /^(?:request answered|nothing left to do|reconciled|.+ (?:polls|listens|stops))$/;

/**
 * A log line as one short line for a person, such as
 * `16:38:50 ready     ee87fd4b 3000 x 4000 -> 240 x 320, 7 KB, 0.8 s`.
 *
 * @returns undefined for a line that no one needs to read
 */
export const describeLogLine = (text: string): string | undefined => {
  const line = parse(text);
  if (line === undefined) return text.trim() === '' ? undefined : text;
  if (line.level === 'INFO' && silent.test(line.message)) return undefined;
  const { what, about } = contentOf(line);
  const time = new Date(line.timestamp).toTimeString().slice(0, 8);
  return [time, what.padEnd(9), line.imageId?.slice(0, 8), about].filter(Boolean).join(' ');
};

const parse = (text: string): Line | undefined => {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
};

const contentOf = (line: Line): { readonly what: string; readonly about: string } => {
  switch (line.message) {
    case 'upload accepted':
    case 'upload announced': {
      const { status, bytes } = acceptedSchema.parse(line);
      const size = bytes === undefined ? '' : sizeOf(bytes);
      const what = line.message === 'upload announced' ? 'announced' : 'upload';
      return { what, about: status === 'received' ? size : `${size} (known: ${status})` };
    }
    case 'thumbnails stored': {
      const { original, thumbnails, uploadToReadyMilliseconds } = storedSchema.parse(line);
      const made = Object.values(thumbnails).map(
        ({ width, height, bytes }) => `${width} x ${height}, ${sizeOf(bytes)}`,
      );
      const seconds =
        uploadToReadyMilliseconds === undefined ? [] : [`${(uploadToReadyMilliseconds / 1000).toFixed(1)} s`];
      const damage = original.damage === undefined ? [] : [original.damage];
      const about = [`${original.width} x ${original.height} -> ${made.join('; ')}`, ...seconds, ...damage];
      return { what: 'ready', about: about.join(', ') };
    }
    case 'image refused':
    case 'request refused': {
      const { code, detail } = refusedSchema.parse(line);
      return { what: line.message === 'image refused' ? 'failed' : 'refused', about: `${code}: ${detail}` };
    }
    case 'moved to the slow lane':
      return { what: 'slow', about: 'moved to the slow lane' };
    case 'image deleted':
      return { what: 'deleted', about: '' };
    case 'mail sent':
      return { what: 'mail', about: `sent to ${mailSchema.parse(line).recipient}` };
    default:
      return { what: line.level.toLowerCase(), about: `${line.message}${reasonOf(line)}` };
  }
};

const reasonOf = ({ error, reason }: Line): string => {
  const parsed = z.looseObject({ message: z.string() }).safeParse(error);
  const text = parsed.data?.message ?? reason;
  return text === undefined ? '' : `: ${text}`;
};

const sizeOf = (bytes: number): string => {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
};
