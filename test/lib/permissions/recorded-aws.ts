import { Readable } from 'node:stream';
import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { sdkStreamMixin } from '@smithy/core/serde';
import { accountId, region } from './policies.ts';

/** An action of a role, or of a URL that it signed. */
export interface Call {
  readonly role: string;
  readonly action: string;
  readonly resource: string;
}

const bucketArn = (bucket: string | undefined) => `arn:aws:s3:::${bucket}`;
const sesCall = (type: 'identity' | 'configuration-set', name: string | undefined) => ({
  action: 'ses:SendEmail',
  resource: `arn:aws:ses:${region}:${accountId}:${type}/${name}`,
});
const tableArn = (table: string | undefined) => `arn:aws:dynamodb:${region}:${accountId}:table/${table}`;

/** The permission that a command needs when it is sent or signed (Service Authorization Reference). */
const permissionOf = (command: unknown): Omit<Call, 'role'> => {
  if (command instanceof GetObjectCommand || command instanceof HeadObjectCommand) {
    return { action: 's3:GetObject', resource: `${bucketArn(command.input.Bucket)}/${command.input.Key}` };
  }
  if (command instanceof PutObjectCommand || command instanceof CopyObjectCommand) {
    return { action: 's3:PutObject', resource: `${bucketArn(command.input.Bucket)}/${command.input.Key}` };
  }
  if (command instanceof ListObjectVersionsCommand) {
    return { action: 's3:ListBucketVersions', resource: bucketArn(command.input.Bucket) };
  }
  if (command instanceof DeleteObjectCommand) {
    const { Bucket, Key, VersionId } = command.input;
    const action = VersionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
    return { action, resource: `${bucketArn(Bucket)}/${Key}` };
  }
  if (command instanceof GetItemCommand) {
    return { action: 'dynamodb:GetItem', resource: tableArn(command.input.TableName) };
  }
  if (command instanceof PutItemCommand) {
    return { action: 'dynamodb:PutItem', resource: tableArn(command.input.TableName) };
  }
  if (command instanceof UpdateItemCommand) {
    return { action: 'dynamodb:UpdateItem', resource: tableArn(command.input.TableName) };
  }
  if (command instanceof DeleteItemCommand) {
    return { action: 'dynamodb:DeleteItem', resource: tableArn(command.input.TableName) };
  }
  if (command instanceof QueryCommand) {
    const { TableName, IndexName } = command.input;
    const index = IndexName === undefined ? '' : `/index/${IndexName}`;
    return { action: 'dynamodb:Query', resource: `${tableArn(TableName)}${index}` };
  }
  if (command instanceof PublishCommand) {
    return { action: 'sns:Publish', resource: command.input.TopicArn ?? '' };
  }
  if (command instanceof SendEmailCommand) {
    return sesCall('identity', command.input.FromEmailAddress);
  }
  if (command instanceof SendMessageCommand || command instanceof GetQueueAttributesCommand) {
    const name = command.input.QueueUrl?.split('/').at(-1);
    const action = command instanceof SendMessageCommand ? 'sqs:SendMessage' : 'sqs:GetQueueAttributes';
    return { action, resource: `arn:aws:sqs:${region}:${accountId}:${name}` };
  }
  if (command instanceof AssumeRoleCommand) {
    return { action: 'sts:AssumeRole', resource: command.input.RoleArn ?? '' };
  }
  throw new Error(`Add the permission that this needs: ${JSON.stringify(command)}`);
};

/** The access key of assumed roles: distinguishes their calls from those of the function. */
const assumedAccessKeyId = 'ASSUMED';

type Client = S3Client | DynamoDBClient | SQSClient | SNSClient | SESv2Client | STSClient;

/** Replaces `send` of all clients of a class by `answer`. */
const answerSends = (
  prototype: Client,
  answer: (client: Client, command: unknown) => Promise<object>,
): void => {
  Object.defineProperty(prototype, 'send', {
    value(this: Client, command: unknown) {
      return answer(this, command);
    },
  });
};

interface Roles {
  readonly function: string;
  /** The role that the function assumes. @default - none */
  readonly assumed?: string;
}

/**
 * Records every command that any client sends or signs, with the role of its credentials. DynamoDB is a real
 * server, S3 holds its objects in memory, and the other services only answer.
 */
export const recordAws = () => {
  const calls: Call[] = [];
  const objects = new Map<string, Uint8Array>();
  const metadata = new Map<string, Readonly<Record<string, string>>>();
  let roles: Roles = { function: 'none' };

  const record = async (client: Client, command: unknown): Promise<void> => {
    const { accessKeyId } = await client.config.credentials();
    const role = accessKeyId === assumedAccessKeyId ? roles.assumed : roles.function;
    const permission = permissionOf(command);
    calls.push({ role: role ?? 'unknown', ...permission });
    if (command instanceof SendEmailCommand) {
      const { ConfigurationSetName, Destination } = command.input;
      // SES also checks the configuration set, and in its sandbox each recipient's identity.
      const recipients = (Destination?.ToAddresses ?? []).map((address) =>
        sesCall('identity', address.split('@').at(-1)),
      );
      for (const call of [sesCall('configuration-set', ConfigurationSetName), ...recipients])
        calls.push({ role: role ?? 'unknown', ...call });
    }
    if (command instanceof CopyObjectCommand) {
      const resource = bucketArn(command.input.CopySource);
      calls.push({ role: role ?? 'unknown', action: 's3:GetObject', resource });
    }
    // For a missing object S3 also checks the permission to list.
    if (permission.action === 's3:GetObject' && !objects.has(permission.resource)) {
      calls.push({
        role: role ?? 'unknown',
        action: 's3:ListBucket',
        resource: permission.resource.split('/')[0] ?? '',
      });
    }
  };

  const sentBy = async (client: Client, command: unknown): Promise<object> => {
    await record(client, command);
    const { resource } = permissionOf(command);
    if (command instanceof PutObjectCommand)
      objects.set(resource, Buffer.from(command.input.Body as Uint8Array));
    const object = objects.get(resource);
    if (command instanceof GetObjectCommand) {
      if (object === undefined) throw new NoSuchKey({ message: resource, $metadata: {} });
      return { Body: sdkStreamMixin(Readable.from([object])), ContentLength: object.byteLength };
    }
    if (command instanceof HeadObjectCommand) {
      if (object === undefined) throw new NotFound({ message: resource, $metadata: {} });
      const VersionId = 'a version';
      return { ContentLength: object.byteLength, Metadata: metadata.get(resource), VersionId };
    }
    if (command instanceof ListObjectVersionsCommand) {
      const start = `${bucketArn(command.input.Bucket)}/`;
      const keys = [...objects.keys()].filter((each) => each.startsWith(`${start}${command.input.Prefix}`));
      return { Versions: keys.map((each) => ({ Key: each.slice(start.length), VersionId: 'null' })) };
    }
    if (command instanceof GetQueueAttributesCommand)
      return { Attributes: { ApproximateNumberOfMessages: '0' } };
    if (command instanceof AssumeRoleCommand) {
      const Expiration = new Date(Date.now() + 3_600_000);
      return {
        Credentials: { AccessKeyId: assumedAccessKeyId, SecretAccessKey: 'x', SessionToken: 'x', Expiration },
      };
    }
    return {};
  };
  for (const { prototype } of [S3Client, SQSClient, SNSClient, SESv2Client, STSClient])
    answerSends(prototype, sentBy);
  const sendForReal = DynamoDBClient.prototype.send;
  answerSends(DynamoDBClient.prototype, async (client, command) => {
    await record(client, command);
    return Reflect.apply(sendForReal, client, [command]);
  });

  return {
    calls: calls as readonly Call[],
    /** Call it with every command that is presigned. */
    recordPresigned: record,
    /** Attributes the following calls to these roles. */
    actAs: (next: Roles): void => {
      roles = next;
    },
    putObject: (
      bucket: string,
      key: string,
      bytes: Uint8Array,
      given: Readonly<Record<string, string>> = {},
    ): void => {
      objects.set(`${bucketArn(bucket)}/${key}`, bytes);
      metadata.set(`${bucketArn(bucket)}/${key}`, given);
    },
  };
};
