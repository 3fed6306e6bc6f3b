/** The parts that are used here, as s3rver ships no types. */
declare module '@20minutes/s3rver' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingHttpHeaders, RequestListener } from 'node:http';
  import type { Readable } from 'node:stream';

  export interface S3EventRecord {
    readonly eventName: string;
    readonly s3: {
      readonly bucket: { readonly name: string };
      readonly object: { readonly key: string };
    };
  }

  export interface S3rverObject {
    readonly bucket: string;
    readonly key: string;
    /** The request itself, with its headers. */
    readonly content: AsyncIterable<Buffer> &
      Partial<Pick<Readable, 'iterator' | 'resume'>> & { readonly headers?: IncomingHttpHeaders };
  }

  export interface FilesystemStore {
    putObject(object: S3rverObject): Promise<unknown>;
    /** The file of one part of an object: `object`, `object.md5` or `metadata.json`. */
    getResourcePath(bucket: string, key: string, part: string): string;
  }

  /** A middleware of Koa. */
  export type Middleware = (
    context: {
      readonly method: string;
      readonly headers: Readonly<Record<string, unknown>>;
      readonly query: Readonly<Record<string, unknown>>;
      status: number;
      type: string;
      body: string;
    },
    next: () => Promise<void>,
  ) => Promise<void>;

  export interface S3rverOptions {
    readonly directory: string;
    readonly silent: boolean;
    readonly vhostBuckets: boolean;
    readonly configureBuckets: readonly { readonly name: string }[];
  }

  export default class S3rver extends EventEmitter {
    constructor(options: S3rverOptions);
    readonly store: FilesystemStore;
    readonly middleware: Middleware[];
    configureBuckets(): Promise<unknown>;
    callback(): RequestListener;
    on(event: 'event', listener: (event: { readonly Records: readonly S3EventRecord[] }) => void): this;
  }
}

declare module '@20minutes/s3rver/lib/models/error.js' {
  /** Returned with the status that S3 documents for the code. */
  export default class S3Error extends Error {
    constructor(code: 'BadDigest' | 'PreconditionFailed', message: string);
  }
}

declare module '@20minutes/s3rver/lib/models/account.js' {
  interface Account {
    readonly accessKeys: ReadonlyMap<string, string>;
    createKeyPair(accessKeyId: string, secretAccessKey: string): void;
    revokeAccessKey(accessKeyId: string): void;
  }
  const AWSAccount: { readonly DUMMY_ACCOUNT: Account };
  export default AWSAccount;
}

declare module '@20minutes/s3rver/lib/controllers/bucket.js' {
  export interface BucketContext {
    readonly params: { readonly bucket: string };
    readonly query: Readonly<Record<string, string | undefined>>;
    readonly store: {
      listObjects(
        bucket: string,
        options: {
          readonly prefix: string;
          readonly startAfter: string | undefined;
          readonly maxKeys: number;
        },
      ): Promise<{
        readonly objects: readonly {
          readonly key: string;
          readonly lastModifiedDate: Date;
          readonly size: number;
        }[];
        readonly isTruncated: boolean;
      }>;
    };
    body: unknown;
  }

  const controller: {
    /** The parameters that select another method than the plain one. */
    readonly METHODS: string[];
    getBucket(context: BucketContext): Promise<void>;
  };
  export default controller;
}

declare module '@20minutes/s3rver/lib/signature/v4.js' {
  interface CanonicalRequest {
    readonly uri: string;
  }

  const signature: {
    getStringToSign(canonical: CanonicalRequest, request: unknown): string;
  };
  export default signature;
}
