import {
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { tableName } from '../../../../lambdas/lake/table.ts';
import { describeAwsError } from '../../aws-errors.ts';
import type { Check, Context } from '../check.ts';
import { failed, held, NotAsExpected, skipped } from '../outcome.ts';
import { postAndWait } from '../replies.ts';
import { newPhoto } from '../test-images.ts';
import { waitFor } from '../wait.ts';

const outputsSchema = z.object({ DatabaseName: z.string(), WorkGroupName: z.string() });

/** The outputs of the stack's data lake; undefined without one. */
const lakeOf = async ({ stack, aws }: Context): Promise<z.output<typeof outputsSchema> | undefined> => {
  try {
    const { Stacks: [lake] = [] } = await aws.cloudFormation.send(
      new DescribeStacksCommand({ StackName: `${stack.name}DataLake` }),
    );
    return outputsSchema.parse(
      Object.fromEntries((lake?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue])),
    );
  } catch (error) {
    if (describeAwsError(error).kind === 'not-found') return undefined;
    throw error;
  }
};

/** The number that a query returns. Its result is removed from the bucket of the lake. */
const ask = async (
  { aws, signal, undoLater }: Context,
  lake: z.output<typeof outputsSchema>,
  sql: string,
): Promise<number> => {
  const { QueryExecutionId } = await aws.athena.send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      WorkGroup: lake.WorkGroupName,
      QueryExecutionContext: { Database: lake.DatabaseName },
    }),
  );
  const execution = async () =>
    (await aws.athena.send(new GetQueryExecutionCommand({ QueryExecutionId }))).QueryExecution;
  undoLater('the result of a query', async () => {
    await aws.athena.send(new StopQueryExecutionCommand({ QueryExecutionId }));
    const { OutputLocation = '' } = (await execution())?.ResultConfiguration ?? {};
    const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(OutputLocation) ?? [];
    if (Bucket === undefined) return;
    for (const each of [Key, `${Key}.metadata`]) {
      await aws.s3.send(new DeleteObjectCommand({ Bucket, Key: each }));
    }
  });
  const ended = await waitFor(
    execution,
    (found) => !['QUEUED', 'RUNNING'].includes(found?.Status?.State ?? ''),
    { timeoutSeconds: 60, signal },
  );
  const { State, StateChangeReason = '' } = ended?.Status ?? {};
  if (State !== 'SUCCEEDED') throw new NotAsExpected(`A query is ${State}. ${StateChangeReason}`);
  const { ResultSet } = await aws.athena.send(new GetQueryResultsCommand({ QueryExecutionId }));
  return Number(ResultSet?.Rows?.[1]?.Data?.[0]?.VarCharValue ?? 0);
};

/** Firehose writes after 15 minutes at most, and queries take minutes to see it. */
const timeoutSeconds = 24 * 60;

export const lakeChecks: readonly Check[] = [
  {
    name: 'lake-row',
    group: 'patience',
    quick: false,
    needsCaller: true,
    description: 'The event of an upload is in the table of the data lake within 24 minutes. It stays there.',
    async run(context) {
      const lake = await lakeOf(context);
      if (lake === undefined) return skipped('There is no data lake.');
      const started = Date.now();
      const { id } = await postAndWait(context, await newPhoto());
      const [day] = new Date().toISOString().split('T');
      const sql = `SELECT count(*) FROM ${tableName} WHERE type = 'image.ready' AND dt >= '${day}' AND image_id = '${id}'`;
      const rows = await waitFor(
        () => ask(context, lake, sql),
        (count) => count > 0,
        { timeoutSeconds, intervalSeconds: 60, signal: context.signal },
      );
      return rows > 0
        ? held(`After ${Math.ceil((Date.now() - started) / 60_000)} minutes.`)
        : failed('There is no row of the upload after 24 minutes.');
    },
  },
];
