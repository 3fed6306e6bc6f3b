import { RequestError } from '../runtime/request-error.ts';

/**
 * Whether a request is a form, as browsers and `curl -F` send it. Without a boundary it can be none: its body
 * is then judged by its bytes, like any other.
 */
export const isForm = ({ headers }: Request): boolean => {
  const [type, ...parameters] = (headers.get('Content-Type') ?? '').toLowerCase().split(';');
  return (
    type?.trim() === 'multipart/form-data' &&
    parameters.some((parameter) => parameter.trim().startsWith('boundary='))
  );
};

/**
 * The one file of a form (RFC 7578). Other fields are ignored.
 *
 * @throws RequestError `invalid-request`, for the field `file`
 */
export const fileOf = async (request: Request, body: Uint8Array): Promise<Uint8Array> => {
  const files = (await parse(request, body)).filter((value) => value instanceof File);
  // A browser sends a nameless, empty file for a field without a choice.
  const chosen = files.filter(({ name, size }) => name !== '' || size > 0);
  const [file] = chosen;
  if (file === undefined) {
    throw invalid('The form has no file. Send one: curl --form file=@photo.jpg');
  }
  if (chosen.length > 1) {
    throw invalid(`The form has ${chosen.length} files. Send each in a request of its own.`);
  }
  return new Uint8Array(await file.arrayBuffer());
};

/** Parsing blocks the event loop: a body of nothing but parts, 70,000 of them, for a second. */
const maxParts = 100;

const hasTooManyParts = (contentType: string, body: Uint8Array): boolean => {
  const [, quoted, plain = ''] = /boundary=(?:"([^"]*)"|([^;\s]*))/i.exec(contentType) ?? [];
  const delimiter = `--${quoted ?? plain}`;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  // One more stands at the end.
  let left = maxParts + 1;
  for (let at = bytes.indexOf(delimiter); at !== -1; at = bytes.indexOf(delimiter, at + delimiter.length)) {
    if (left === 0) return true;
    left -= 1;
  }
  return false;
};

const parse = async ({ headers }: Request, body: Uint8Array): Promise<readonly (string | File)[]> => {
  const contentType = headers.get('Content-Type') ?? '';
  if (hasTooManyParts(contentType, body)) throw invalid(`The form has more than ${maxParts} parts.`);
  try {
    // A view may share its memory with other bodies, which the types of fetch do not allow.
    const form = await new Response(new Uint8Array(body), {
      headers: { 'Content-Type': contentType },
    }).formData();
    return [...form.values()];
  } catch (cause) {
    throw invalid('The form is incomplete, or its boundary is not the one in Content-Type.', cause);
  }
};

const invalid = (detail: string, cause?: unknown) =>
  new RequestError('invalid-request', detail, { field: 'file', cause });
