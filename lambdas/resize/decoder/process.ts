import { ftruncateSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { ImageError } from '../../image/errors.ts';
import type { Acceptance } from '../environment.ts';
import type { DecodeAllowance } from '../lanes.ts';
import { decoderFiles } from './descriptors.ts';
import { readLines } from './lines.ts';
import { reasonOf } from './originals/damage.ts';
import { loadDecoderFor } from './originals/open.ts';
import type { DecoderReply, DecoderRequest, Exceeded } from './protocol.ts';
import { ExceedsEstimate, renderImage } from './render.ts';

/*
 * The process that decodes: one image after the other, and nothing else. It may be killed at any moment. It
 * often starts while a caller waits, so it loads only sharp, and does not check requests: they come from our
 * own code.
 */

/** How often it measures its CPU time and memory. A decode can allocate about 50 MB in between. */
const checkMilliseconds = 10;

const reply = (message: DecoderReply): void => {
  writeSync(decoderFiles.replies, `${JSON.stringify(message)}\n`);
};

/** Reads the image and empties the file, so that its bytes are not written to the disk. */
const readImage = (length: number): Uint8Array => {
  const bytes = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length; ) {
    const count = readSync(decoderFiles.bytes, bytes, filled, length - filled, filled);
    if (count === 0) throw new Error(`Expected ${length} bytes but received ${filled}`);
    filled += count;
  }
  ftruncateSync(decoderFiles.bytes, 0);
  return bytes;
};

/** Writes the thumbnails to the file, one after the other. */
const writeThumbnails = (thumbnails: readonly { readonly bytes: Uint8Array }[]): void => {
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
 * libvips runs in other threads, so this one is free to measure their use. Memory is what the process holds
 * above what it held before, because earlier images may not have released all of theirs.
 */
const watch = (allowance: DecodeAllowance, residentMiBBefore: number): NodeJS.Timeout => {
  const maxResidentMiB = residentMiBBefore + allowance.memoryMiB;
  const maxCpuMilliseconds = cpuMilliseconds() + allowance.cpuMilliseconds;
  const timer = setInterval(() => {
    let what: Exceeded;
    if (residentMiB() > maxResidentMiB) what = 'memory';
    else if (cpuMilliseconds() > maxCpuMilliseconds) what = 'cpu';
    else return;
    clearInterval(timer);
    // The parent kills this process now.
    reply({ kind: 'exceeded', what });
  }, checkMilliseconds);
  return timer;
};

const render = async (
  { bytes, variants, allowance }: DecoderRequest,
  acceptance: Acceptance,
): Promise<void> => {
  const { maxEstimatedMilliseconds, cpuMilliseconds } = allowance;
  const residentMiBBefore = residentMiB();
  const image = readImage(bytes);
  await loadDecoderFor(image, acceptance);
  const timer = watch(allowance, residentMiBBefore);
  try {
    const { thumbnails, ...rendering } = await renderImage(
      image,
      variants,
      acceptance,
      maxEstimatedMilliseconds,
      // The fast lane leaves what takes long to the slow one, which allows the most.
      maxEstimatedMilliseconds === undefined ? cpuMilliseconds : undefined,
    );
    writeThumbnails(thumbnails);
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
  const reason = typeof error.cause === 'string' ? reasonOf(error.cause) : undefined;
  return { kind: 'refused', code, detail, reason, residentMiB: residentMiB() };
};

const requests = new Socket({ fd: decoderFiles.requests, readable: true, writable: false });
/** The first line. Each of the others is a request. */
let acceptance: Acceptance | undefined;
readLines(requests, {
  onLine: (line) => {
    if (acceptance === undefined) acceptance = JSON.parse(line);
    else render(JSON.parse(line), acceptance);
  },
  maxBytes: 1_000_000,
  onLongLine: () => process.exit(1),
});
// Without its parent, nothing would end a decode that takes too long.
requests.once('close', () => process.kill(process.pid, 'SIGKILL'));
reply({ kind: 'ready' });
