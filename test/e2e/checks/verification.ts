import { devNull } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { ListSubscriptionsCommand } from '@aws-sdk/client-sns';
import { ListQueuesCommand } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { createAwsClients } from '../../../bin/commands/verify/aws.ts';
import { checks } from '../../../bin/commands/verify/checks.ts';
import { readDeployedStack } from '../../../bin/commands/verify/deployed-stack.ts';
import type { Report } from '../../../bin/commands/verify/report.ts';
import { type VerifyOptions, verify } from '../../../bin/commands/verify/verify.ts';
import { project, startNode } from '../../local/processes.ts';
import { breaks } from '../breaks.ts';
import { check, type DeployedStack, type Deployment } from '../deployment.ts';
import { credentials, region } from '../emulator.ts';

/** The emulator has no limits or access log of API Gateway, no metrics, and no functions that freeze. */
const notEmulated = ['throttles', 'gateway-limit', 'burst', 'access-log', 'metrics', 'after-idling'] as const;

const clientsOf = ({ emulator }: Deployment) =>
  createAwsClients({ endpoint: emulator.endpoint, region, credentials });

const nameOf = ({ settings }: DeployedStack): string => settings['stackName'] ?? 'ThumbnailGenerator';

const urlOf = ({ api }: DeployedStack): string => api.uploadUrl.replace(/\/upload_image$/, '');

/** Verifies a stack in this process. */
export const verifyStack = (
  deployment: Deployment,
  stack: DeployedStack,
  options: Pick<VerifyOptions, 'only' | 'quick'>,
): Promise<Report> =>
  verify(
    { stackName: nameOf(stack), url: urlOf(stack), skip: notEmulated, ...options },
    clientsOf(deployment),
    new AbortController().signal,
    () => {},
  );

/** Starts the command that verifies the main stack. */
const startCommand = ({ emulator, folder, main }: Deployment, ...args: readonly string[]) =>
  startNode('bin/verify.ts', {
    args: ['--stack', nameOf(main), '--url', urlOf(main), ...args],
    folder: project,
    environment: {
      HOME: folder,
      AWS_ENDPOINT_URL: emulator.endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      NODE_EXTRA_CA_CERTS: emulator.certificateFile,
    },
  });

/** Everything that a verification may create. */
const createdThings = async (deployment: Deployment, { outputs }: DeployedStack) => {
  const { s3, dynamodb, sns, sqs, cloudWatch } = clientsOf(deployment);
  const keysIn = async (Bucket: string) =>
    ((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(({ Key }) => Key);
  const itemsIn = async (TableName: string | undefined) =>
    TableName === undefined ? 0 : (await dynamodb.send(new ScanCommand({ TableName }))).Count;
  return {
    originals: await keysIn(outputs.RawBucketName),
    thumbnails: await keysIn(outputs.ThumbnailBucketName),
    records: await itemsIn(outputs.CatalogTableName),
    mailRequests: await itemsIn(outputs.MailRequestsTableName),
    queues: (await sqs.send(new ListQueuesCommand())).QueueUrls,
    subscriptions: (await sns.send(new ListSubscriptionsCommand())).Subscriptions?.map(
      ({ SubscriptionArn }) => SubscriptionArn,
    ),
    alarms: (await cloudWatch.send(new DescribeAlarmsCommand())).MetricAlarms?.map(
      ({ AlarmName }) => AlarmName,
    ),
  };
};

const reportSchema = z.object({
  exitCode: z.int(),
  left: z.array(z.string()),
  checks: z.array(z.object({ name: z.string(), status: z.string(), seen: z.string() })),
});

/** What a run reports. */
const namesOf = (results: readonly { readonly name: string; readonly status: string }[], status: string) =>
  results.filter((result) => result.status === status).map(({ name }) => name);

/** The second stack's URLs expire after a minute. Other checks run meanwhile. */
let expiry: Promise<Report> | undefined;

/** `npm run verify`. */
export const checkVerification = (): void => {
  check('holds, and leaves nothing behind', async (deployment) => {
    const { main, second } = deployment;
    expiry = verifyStack(deployment, second, { only: ['patience'], quick: false });
    // A failure is reported where it is awaited.
    expiry.catch(() => {});
    const before = await createdThings(deployment, main);
    const command = startCommand(deployment, '--json', '--skip', notEmulated.join());
    expect([await command.ended, command.errors()]).toEqual([0, '']);
    const { exitCode, left, checks: results } = reportSchema.parse(JSON.parse(command.out()));
    process.stdout.write(
      results.map(({ name, status, seen }) => `${status.padEnd(8)} ${name}: ${seen}\n`).join(''),
    );
    expect([exitCode, left]).toEqual([0, []]);
    expect(results.map(({ name }) => name)).toEqual(checks.map(({ name }) => name));
    expect(namesOf(results, 'skipped').sort()).toEqual(
      [
        ...notEmulated,
        // Everyone may upload, and there are neither containers, a data lake, nor URLs that soon expire.
        'unsigned-refused',
        'signed-taken',
        'targets-healthy',
        'presigned-expiry',
        'lake-row',
      ].sort(),
    );
    expect(await createdThings(deployment, main)).toEqual(before);
  });

  check('finds each way to break a stack by the right check', async (deployment) => {
    const { iam, main } = deployment;
    const before = await createdThings(deployment, main);
    const aws = clientsOf(deployment);
    const stack = await readDeployedStack(nameOf(main), aws);
    const groups = new Set(breaks.map(({ group }) => group));
    for (const { what, check: name, group, during } of breaks) {
      await during({ aws, iam, stack }, async () => {
        const { results, left } = await verifyStack(deployment, main, { only: [group], quick: true });
        const found = results.find((result) => result.name === name);
        process.stdout.write(`If ${what}, ${name} has ${found?.status}: ${found?.seen}\n`);
        expect([what, namesOf(results, 'failed')]).toEqual([what, expect.arrayContaining([name])]);
        // A function or role that may not do something fails several checks; all other ways one.
        if (group !== 'upload') expect([what, namesOf(results, 'failed')]).toEqual([what, [name]]);
        expect([what, left]).toEqual([what, []]);
      });
    }
    const repaired = await verifyStack(deployment, main, { only: [...groups], quick: true });
    expect(namesOf(repaired.results, 'failed')).toEqual([]);
    const { subscriptions: _, ...after } = await createdThings(deployment, main);
    const { subscriptions: __, ...expected } = before;
    expect(after).toEqual(expected);
  });

  check('finds refused permissions in the logs', async (deployment) => {
    // Those of the broken stack.
    const { results } = await verifyStack(deployment, deployment.main, { only: ['logs'], quick: true });
    expect(results).toMatchObject([
      {
        name: 'no-access-denied',
        status: 'failed',
        seen: expect.stringMatching(/IngestFunctionLogs\w+: .*not authorized to perform: s3:PutObject/),
      },
    ]);
  });

  check('leaves nothing behind when it is interrupted', async (deployment) => {
    const { main } = deployment;
    const before = await createdThings(deployment, main);
    const command = startCommand(deployment, '--only', 'alarms,upload,patience', '--skip', 'gateway-limit');
    for (let waited = 0; !command.out().includes('skipped  gateway-limit'); waited += 1) {
      if (command.hasEnded() || waited === 600) throw new Error(`${command.out()}${command.errors()}`);
      await setTimeout(100);
    }
    const during = await createdThings(deployment, main);
    expect(during.originals.length).toBeGreaterThan(before.originals.length);
    expect(during.queues).not.toEqual(before.queues);

    expect(await command.end('SIGINT')).toBe(2);
    expect(command.errors()).toBe('Removing what this run created …\n');
    expect(command.out()).toContain('Interrupted.\nEverything that this run created is removed.\n');
    expect(await createdThings(deployment, main)).toEqual(before);
  });
};

/** Some time after `checkVerification`, and before the second stack is changed. */
export const checkExpiry = (): void => {
  check('finds that URLs expire', async () => {
    const { results } = (await expiry) ?? { results: [] };
    expect(namesOf(results, 'held')).toEqual(['presigned-expiry']);
  });
};
