import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { region, resources, topicArn } from '../../local/aws.ts';
import type { Credentials } from '../../local/data-folder.ts';

export interface SignedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request handler that keeps the signed request instead of sending it. */
const collector = () => {
  let signed: SignedRequest | undefined;
  return {
    requestHandler: {
      handle: async (request: Omit<SignedRequest, 'body'> & { readonly body?: unknown }): Promise<never> => {
        const { method, headers, body } = request;
        signed = {
          method,
          headers,
          body: body instanceof Uint8Array ? new TextDecoder().decode(body) : String(body),
        };
        throw new Error('The request is not sent.');
      },
    },
    collected: (): SignedRequest => {
      if (signed === undefined) throw new Error('Nothing was signed.');
      return signed;
    },
  };
};

/** A request to DynamoDB, in JSON. */
export const signedJson = async (
  endpoint: string,
  credentials: Credentials,
  TableName: string = resources.catalogTable,
): Promise<SignedRequest> => {
  const { requestHandler, collected } = collector();
  const client = new DynamoDBClient({ endpoint, region, credentials, maxAttempts: 1, requestHandler });
  await client.send(new DescribeTableCommand({ TableName })).catch(() => {});
  return collected();
};

/** A Publish request to SNS, in a form. */
export const signedForm = async (endpoint: string, credentials: Credentials): Promise<SignedRequest> => {
  const { requestHandler, collected } = collector();
  const client = new SNSClient({ endpoint, region, credentials, maxAttempts: 1, requestHandler });
  const TopicArn = topicArn(resources.imageEventsTopic);
  await client.send(new PublishCommand({ TopicArn, Message: '{}' })).catch(() => {});
  return collected();
};
