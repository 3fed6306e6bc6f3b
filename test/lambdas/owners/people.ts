import {
  HeadObjectCommand,
  NotFound,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import type { IngestEnvironment } from '../../../lambdas/ingest/environment.ts';
import { callerOfToken } from '../../../lambdas/owners/owner.ts';
import type { Log } from '../../../lambdas/runtime/log.ts';
import type { startCatalogServer } from '../../catalog-server.ts';
import { valuesWith } from '../../environment.ts';
import { createTestApp, type IngestApp } from '../../ingest-app.ts';

export const issuer = 'https://idp.example';

/** An API whose callers are who they say they are: `Authorization: Bearer alice`. */
export const appOfPeople = (
  server: Awaited<ReturnType<typeof startCatalogServer>>,
  log: Log,
  given: Partial<IngestEnvironment> = {},
): IngestApp => {
  const auth = { jwt: { issuer, audience: ['thumbnails'], ownerClaim: 'sub' } };
  return createTestApp(valuesWith(server, { auth, ...given }), log, {
    authenticate: async ({ headers }) =>
      callerOfToken(issuer, 'sub', { sub: headers.get('Authorization')?.replace('Bearer ', '') }),
  });
};

export type Send = (
  person: string,
  method: string,
  path: string,
  init?: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> },
) => Promise<Response>;

export const sendTo =
  (app: () => IngestApp): Send =>
  async (person, method, path, { headers, ...init } = {}) =>
    app().request(`http://api.example/dev${path}`, {
      method,
      ...init,
      headers: { ...headers, Authorization: `Bearer ${person}` },
    });

/** S3 in memory with the conditional writes of the real one; messages and events that go nowhere. */
export const mockStorage = () => {
  const stored = new Map<string, Uint8Array>();
  const s3 = mockClient(S3Client);
  const sqs = mockClient(SQSClient);
  const sns = mockClient(SNSClient);
  const reset = (): void => {
    stored.clear();
    s3.reset();
    s3.on(PutObjectCommand).callsFake(({ Key, Body, IfNoneMatch }) => {
      if (IfNoneMatch === '*' && stored.has(Key)) {
        throw new S3ServiceException({
          name: 'PreconditionFailed',
          $fault: 'client',
          $metadata: { httpStatusCode: 412 },
        });
      }
      stored.set(Key, Body);
      return {};
    });
    s3.on(HeadObjectCommand).callsFake(({ Key }) => {
      const body = stored.get(Key);
      if (body !== undefined) return { ContentLength: body.length };
      throw new NotFound({ message: 'not found', $metadata: { httpStatusCode: 404 } });
    });
    sqs.reset();
    sqs.on(SendMessageCommand).resolves({});
    sns.reset();
    sns.on(PublishCommand).resolves({});
  };
  return { s3, sqs, sns, stored, reset };
};
