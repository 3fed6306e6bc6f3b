import { ImageError } from '../image/errors.ts';
import type { ImageId } from '../image/id.ts';

/**
 * Checks the bytes against `Content-Digest: sha-256=:…:` (RFC 9530), so that bytes which changed on the way
 * are not stored. Other algorithms are ignored.
 *
 * @throws ImageError `checksum-mismatch`
 */
export const requireDigest = (header: string | undefined, id: ImageId): void => {
  const [, base64] = /(?:^|,)\s*sha-256\s*=\s*:([A-Za-z0-9+/]{43}=):/i.exec(header ?? '') ?? [];
  if (base64 === undefined) return;
  const announced = Buffer.from(base64, 'base64').toString('hex');
  if (announced === id) return;
  throw new ImageError(
    'checksum-mismatch',
    `The received bytes have SHA-256 ${id}, and Content-Digest says ${announced}. Send the image again.`,
  );
};
