import { CfnElement, type Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { originalPrefix, thumbnailPrefix } from '../lambdas/image/keys.ts';

export interface AcknowledgeFindingsProps {
  readonly rawBucket: IConstruct;
  readonly thumbnailBucket: IConstruct;
  readonly admission: IConstruct;
  /** @default - mail is off */
  readonly mailRequests?: IConstruct;
  /** @default - nothing runs in containers */
  readonly containers?: IConstruct;
}

/** What cdk-nag's AwsSolutions rules find in a stack and what is meant to be so, each with the reason. */
export const acknowledgeFindings = (
  stack: Stack,
  { rawBucket, thumbnailBucket, admission, mailRequests, containers }: AcknowledgeFindingsProps,
): void => {
  const acknowledge = (id: string, reason: string, where: IConstruct = stack) =>
    Validations.of(where).acknowledge({ id: `AwsSolutions-${id}`, reason });

  acknowledge(
    'S1',
    'Both buckets are reached only by the roles of this stack and by URLs that those signed; every request that leads to one is in the access log of the API. Server access logs would double the number of objects that are kept.',
  );
  acknowledge(
    `IAM5[Resource::<${logicalIdOf(rawBucket)}.Arn>/${originalPrefix}*]`,
    'Originals are named by their hashes, which nobody knows beforehand: a key prefix is as narrow as this can be.',
  );
  acknowledge(
    `IAM5[Resource::<${logicalIdOf(thumbnailBucket)}.Arn>/${thumbnailPrefix}*]`,
    "Thumbnails are named by their originals' hashes, which nobody knows beforehand: a key prefix is as narrow as this can be.",
  );
  acknowledge(
    'IAM5[Resource::*]',
    'X-Ray knows no resources for PutTraceSegments and PutTelemetryRecords, nor ECR for GetAuthorizationToken (Service Authorization Reference). A test refuses "*" for every other action.',
  );
  acknowledge(
    'APIG4',
    'Who must authorise for what is a setting. The description of the API is always open, and unless set otherwise so are uploads, which the README says, and links, which show an image only to whoever knows its hash.',
  );
  acknowledge(
    'DDB3',
    'The table holds what was uploaded today and which callers wait for a few seconds: to restore a past state of it would count wrongly.',
    admission,
  );
  if (containers) {
    acknowledge(
      'ELB2',
      "An access log of the load balancer holds queries, and with them the addresses that mails go to. Its connections are logged, and ingest logs each request as API Gateway's access log does, without its query.",
      containers,
    );
    acknowledge(
      'EC23',
      'The load balancer is there for everybody, as API Gateway is: who may do what is a setting. A test lets nobody else in from anywhere.',
      containers,
    );
    acknowledge(
      'ECS2',
      'Tasks are told in their environment what functions are told in theirs: names and limits. A test refuses whatever is called like a secret.',
      containers,
    );
  }
  if (mailRequests) {
    acknowledge(
      'DDB3',
      'The requests hold addresses, which are not to stay for the 35 days of point-in-time recovery once the mails are sent. What is lost with them is a mail; the images are in the catalog.',
      mailRequests,
    );
  }
};

export const logicalIdOf = ({ node }: IConstruct): string => {
  if (!CfnElement.isCfnElement(node.defaultChild))
    throw new Error(`${node.path} is no resource of CloudFormation`);
  return node.defaultChild.stack.resolve(node.defaultChild.logicalId);
};
