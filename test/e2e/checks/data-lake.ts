import * as z from 'zod';
import { type ImageEvent, imageEventSchema } from '../../../lambdas/image/event.ts';
import { lakePrefixes, tableName } from '../../../lambdas/lake/table.ts';
import { eventually, uploadAndWait } from '../api.ts';
import type { LakeOutputs } from '../cdk.ts';
import { check, type Deployment } from '../deployment.ts';
import { smallPhoto } from '../photo.ts';

/** Sends to Firehose what SNS would deliver: the emulator does not deliver to it. */
const deliver = async (
  { emulator }: Deployment,
  lake: LakeOutputs,
  bodies: readonly string[],
): Promise<void> => {
  const Records = bodies.map((body) => ({ Data: Buffer.from(body).toString('base64') }));
  const request = { DeliveryStreamName: lake.DeliveryStreamName, Records };
  const answer = z.object({ FailedPutCount: z.literal(0) });
  await emulator.ask('firehose', 'Firehose_20150804.PutRecordBatch', request, answer);
};

/** The rows of a query of Athena, without the names of the columns. */
const query = async ({ emulator }: Deployment, lake: LakeOutputs, sql: string) => {
  const ask = <Schema extends z.ZodType>(action: string, body: object, answer: Schema) =>
    emulator.ask('athena', `AmazonAthena.${action}`, body, answer);
  const { QueryExecutionId } = await ask(
    'StartQueryExecution',
    {
      QueryString: sql,
      QueryExecutionContext: { Database: lake.DatabaseName },
      WorkGroup: lake.WorkGroupName,
    },
    z.object({ QueryExecutionId: z.string() }),
  );
  const status = z.object({
    QueryExecution: z.object({
      Status: z.object({ State: z.string(), StateChangeReason: z.string().optional() }),
    }),
  });
  const { QueryExecution } = await eventually(
    () => ask('GetQueryExecution', { QueryExecutionId }, status),
    ({ QueryExecution: { Status } }) => !['QUEUED', 'RUNNING'].includes(Status.State),
  );
  expect(QueryExecution.Status).toMatchObject({ State: 'SUCCEEDED' });
  const rows = z.array(z.object({ Data: z.array(z.object({ VarCharValue: z.string().optional() })) }));
  const { ResultSet } = await ask(
    'GetQueryResults',
    { QueryExecutionId },
    z.object({ ResultSet: z.object({ Rows: rows }) }),
  );
  return ResultSet.Rows.slice(1).map(({ Data }) => Data.map(({ VarCharValue }) => VarCharValue));
};

/** The stack of the data lake. */
export const checkDataLake = (): void => {
  check('collects the events of an existing stack, and answers queries', async (deployment) => {
    const { account, cdk, emulator, main } = deployment;
    const lake = await cdk.deployLake(main.settings);
    const events = await account.listenTo(main.outputs.ImageEventsTopicArn, async (heard) => {
      await uploadAndWait(main.api, await smallPhoto(58));
      const all = async () =>
        (await heard()).map((body): ImageEvent => imageEventSchema.parse(JSON.parse(body)));
      return eventually(all, (events) => events.some(({ type }) => type === 'image.ready'));
    });
    const bodies = events.map((event) => JSON.stringify(event));
    await deliver(deployment, lake, [...bodies, ...bodies, '{"schemaVersion":2}']);

    const rows = await eventually(
      () =>
        query(
          deployment,
          lake,
          `SELECT type, count(*), count(DISTINCT event_id), max(original_bytes) FROM ${tableName} GROUP BY type ORDER BY type`,
        ),
      (answer) => answer.length === 2,
    );
    const bytes = String(events[0] && 'original' in events[0] ? events[0].original.bytes : undefined);
    expect(rows).toEqual([
      ['image.ready', '2', '1', bytes],
      ['image.received', '2', '1', bytes],
    ]);
    const [day = ''] = new Date().toISOString().split('T');
    for (const type of ['image.ready', 'image.received']) {
      expect(
        await account.keysUnder(lake.BucketName, `${lakePrefixes.events}type=${type}/dt=${day}/`),
      ).not.toEqual([]);
    }
    // The emulator drops refused events, which Firehose would keep under the errors.
    expect(await emulator.logLines('ThumbnailGeneratorDataLake', 'DeliveryTransformer')).toContainEqual(
      expect.stringContaining('"message":"event refused"'),
    );

    await account.allowEmptying(lake.BucketName);
    await cdk.destroyLake(main.settings);
    await uploadAndWait(main.api, await smallPhoto(59));
  });
};
