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
  GetObjectCommand,
  HeadObjectCommand,
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

/** Something that a role did, or that a URL which it signed lets others do. */
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

/** What IAM asks for when a command is sent, or signed (Service Authorization Reference). */
const permissionOf = (command: unknown): Omit<Call, 'role'> => {
  if (command instanceof GetObjectCommand || command instanceof HeadObjectCommand) {
    return { action: 's3:GetObject', resource: `${bucketArn(command.input.Bucket)}/${command.input.Key}` };
  }
  if (command instanceof PutObjectCommand) {
    return { action: 's3:PutObject', resource: `${bucketArn(command.input.Bucket)}/${command.input.Key}` };
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
  throw new Error(`Say which permission this needs: ${JSON.stringify(command)}`);
};

/** Access key of the credentials that STS gives: tells an assumed role's calls from the function's own. */
const assumedAccessKeyId = 'ASSUMED';

type Client = S3Client | DynamoDBClient | SQSClient | SNSClient | SESv2Client | STSClient;

/** Lets `answer` take every command that clients of this class are to send. */
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
  /** The role that the function takes on, if it takes on any. */
  readonly assumed?: string;
}

/**
 * Records every command that is sent or signed by any client, with the role whose credentials it has. DynamoDB is a
 * real one; S3 keeps its objects here; queues and STS only answer.
 */
export const recordAws = () => {
  const calls: Call[] = [];
  const objects = new Map<string, Uint8Array>();
  let roles: Roles = { function: 'none' };

  const record = async (client: Client, command: unknown): Promise<void> => {
    const { accessKeyId } = await client.config.credentials();
    const role = accessKeyId === assumedAccessKeyId ? roles.assumed : roles.function;
    const permission = permissionOf(command);
    calls.push({ role: role ?? 'unknown', ...permission });
    if (command instanceof SendEmailCommand) {
      const { ConfigurationSetName, Destination } = command.input;
      // A mail is judged by its configuration set as well, and in SES's sandbox by each recipient's identity.
      const recipients = (Destination?.ToAddresses ?? []).map((address) =>
        sesCall('identity', address.split('@').at(-1)),
      );
      for (const call of [sesCall('configuration-set', ConfigurationSetName), ...recipients])
        calls.push({ role: role ?? 'unknown', ...call });
    }
    // For an object that is not there S3 also asks whether its absence may be known.
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
      return { ContentLength: object.byteLength };
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
    /** To be told of every command that a presigned URL is made of. */
    recordPresigned: record,
    /** From now on calls are those of these roles. */
    actAs: (next: Roles): void => {
      roles = next;
    },
    putObject: (bucket: string, key: string, bytes: Uint8Array): void => {
      objects.set(`${bucketArn(bucket)}/${key}`, bytes);
    },
  };
};
