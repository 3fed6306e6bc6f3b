import { createApi } from '../../../../bin/commands/verify/api.ts';
import { createAwsClients } from '../../../../bin/commands/verify/aws.ts';
import type { Check, Context } from '../../../../bin/commands/verify/check.ts';
import { checks } from '../../../../bin/commands/verify/checks.ts';
import type { StackResource } from '../../../../bin/commands/verify/deployed-stack.ts';
import type { Outcome } from '../../../../bin/commands/verify/outcome.ts';
import { readSettings } from '../../../../lib/settings.ts';

export interface ContextProps {
  /** By type. @default - none */
  readonly resources?: readonly Pick<StackResource, 'type' | 'physicalId' | 'properties'>[];
  /** The API. @default - one that nobody answers */
  readonly baseUrl?: string;
  readonly signal?: AbortSignal;
  /** Outputs of the stack that not every stack has. @default - none */
  readonly allOutputs?: Readonly<Record<string, string>>;
  /** What the checks create. @default - nothing */
  readonly undoLater?: Context['undoLater'];
}

/** A deployed stack as the checks see it, without a stack. */
export const createContext = ({
  resources = [],
  baseUrl = 'http://127.0.0.1:9/dev',
  signal = new AbortController().signal,
  allOutputs = {},
  undoLater = () => {},
}: ContextProps = {}): Context => {
  const all = resources.map((each) => ({ logicalId: 'Resource', status: 'CREATE_COMPLETE', ...each }));
  return {
    stack: {
      name: 'Photos',
      region: 'eu-west-1',
      status: 'CREATE_COMPLETE',
      changedAt: new Date(),
      outputs: {
        UploadUrl: 'https://api.example.com/dev/upload_image',
        RawBucketName: 'raw',
        ThumbnailBucketName: 'thumbnails',
        CatalogTableName: 'catalog',
        ResizeQueueUrl: 'https://sqs.example.com/resize',
        ReconcilerFunctionName: 'reconciler',
        AlertsTopicArn: 'arn:aws:sns:eu-west-1:111122223333:alerts',
        ImageEventsTopicArn: 'arn:aws:sns:eu-west-1:111122223333:events',
      },
      allOutputs,
      resources: all,
      of: (type) => all.filter((each) => each.type === type),
      settings: async () => ({
        ...readSettings({}),
        rawBucket: 'raw',
        thumbnailBucket: 'thumbnails',
        catalogTable: 'catalog',
        admissionTable: 'admission',
        resizeQueueUrl: 'https://sqs.example.com/resize',
        deleteQueueUrl: 'https://sqs.example.com/delete',
        imageEventsTopicArn: 'arn:aws:sns:eu-west-1:111122223333:events',
        stackName: 'Photos',
      }),
    },
    aws: createAwsClients({
      region: 'eu-west-1',
      credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
    }),
    api: createApi({ baseUrl, caller: { kind: 'anonymous' }, signal }),
    images: { add: () => 'f'.repeat(64) },
    runId: 'run',
    startedAt: new Date(),
    undoLater,
    signal,
  };
};

/** Makes the check of this name. */
export const make = (name: string, context: Context): Promise<Outcome> => {
  const check: Check | undefined = checks.find((each) => each.name === name);
  if (check === undefined) throw new Error(`There is no check ${name}`);
  return check.run(context);
};
