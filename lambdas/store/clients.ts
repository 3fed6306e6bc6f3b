import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/**
 * An S3 client that adds no checksum of its own: uploads carry the SHA-256 that names them, and S3 verifies that one
 * (1.25 instead of 1.53 times the cost of a bare PUT of 4.5 MB).
 */
export const createS3Client = (config: S3ClientConfig = {}): S3Client =>
  new S3Client({
    ...config,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
