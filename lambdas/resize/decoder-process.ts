import { ftruncateSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { ImageError } from '../image/errors.ts';
import { decoderFiles } from './decoder-files.ts';
import type { DecoderReply, DecoderRequest, Exceeded } from './decoder-protocol.ts';
import type { HeaderLimits } from './environment.ts';
import type { DecodeAllowance } from './lanes.ts';
import { readLines } from './lines.ts';
import { ExceedsEstimate, renderImage } from './render.ts';

/**
 * The process that decodes: one image after the other, and nothing else. It may be killed at any moment, and often starts
 * while a caller waits: it loads nothing but sharp. Zod would take 15 ms more, to check what our own code asks for.
 */

/** How often its own use of CPU and memory is measured. A decoder can take about 50 MB in between. */
const checkMilliseconds = 10;

const reply = (message: DecoderReply): void => {
  writeSync(decoderFiles.replies, `${JSON.stringify(message)}\n`);
};

/** Takes the image out of the file: its bytes need not stay in the page cache, nor get to the disk. */
const receive = (length: number): Uint8Array => {
  const bytes = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length; ) {
    const count = readSync(decoderFiles.bytes, bytes, filled, length - filled, filled);
    if (count === 0) throw new Error(`The file ends after ${filled} bytes instead of ${length}.`);
    filled += count;
  }
  ftruncateSync(decoderFiles.bytes, 0);
  return bytes;
};

/** Puts the thumbnails into the file, one after the other. */
const hand = (thumbnails: readonly { readonly bytes: Uint8Array }[]): void => {
  let position = 0;
  for (const { bytes } of thumbnails) {
    for (let written = 0; written < bytes.byteLength; ) {
      const left = bytes.byteLength - written;
      written += writeSync(decoderFiles.bytes, bytes, written, left, position + written);
    }
    position += bytes.byteLength;
  }
};

const mebibyte = 2 ** 20;
const residentMiB = (): number => process.memoryUsage.rss() / mebibyte;

const cpuMilliseconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/**
 * libvips runs in other threads, so this one is free to measure what they take. Memory counts from what the process held
 * before: what the last image left behind is not this one's fault.
 */
const watch = (allowance: DecodeAllowance): NodeJS.Timeout => {
  const maxResidentMiB = residentMiB() + allowance.memoryMiB;
  const maxCpuMilliseconds = cpuMilliseconds() + allowance.cpuMilliseconds;
  const timer = setInterval(() => {
    let what: Exceeded;
    if (residentMiB() > maxResidentMiB) what = 'memory';
    else if (cpuMilliseconds() > maxCpuMilliseconds) what = 'cpu';
    else return;
    clearInterval(timer);
    // The parent process kills this one now.
    reply({ kind: 'exceeded', what });
  }, checkMilliseconds);
  return timer;
};

const render = async (
  { bytes, variants, allowance }: DecoderRequest,
  limits: HeaderLimits,
): Promise<void> => {
  const timer = watch(allowance);
  try {
    const { thumbnails, ...rendering } = await renderImage(
      receive(bytes),
      variants,
      limits,
      allowance.maxEstimatedMilliseconds,
    );
    hand(thumbnails);
    reply({
      kind: 'rendered',
      ...rendering,
      thumbnails: thumbnails.map((thumbnail) => ({ ...thumbnail, bytes: thumbnail.bytes.byteLength })),
      residentMiB: residentMiB(),
    });
  } catch (error) {
    if (error instanceof ExceedsEstimate) reply({ kind: 'exceeded', what: 'estimate' });
    else if (error instanceof ImageError) reply(refusalOf(error));
    else throw error;
  } finally {
    clearInterval(timer);
  }
};

const refusalOf = (error: ImageError): DecoderReply => {
  const { code, detail } = error.failure;
  if (code !== 'unsupported-type' && code !== 'image-too-large' && code !== 'image-corrupt') throw error;
  return { kind: 'refused', code, detail, residentMiB: residentMiB() };
};

const requests = new Socket({ fd: decoderFiles.requests, readable: true, writable: false });
/** The first line. Each of the others is a request. */
let limits: HeaderLimits | undefined;
readLines(requests, {
  onLine: (line) => {
    if (limits === undefined) limits = JSON.parse(line);
    else render(JSON.parse(line), limits);
  },
  maxBytes: 1_000_000,
  onLongLine: () => process.exit(1),
});
// The parent process is gone, and with it the one that would end a decode that takes too long.
requests.once('close', () => process.kill(process.pid, 'SIGKILL'));
reply({ kind: 'ready' });
