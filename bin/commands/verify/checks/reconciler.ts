import { InvokeCommand } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import type { Check } from '../check.ts';
import { failed, held } from '../outcome.ts';

const reportSchema = z.object({
  dryRun: z.literal(true),
  backlog: z.int(),
  requeued: z.array(z.string()),
  expired: z.array(z.string()),
});

export const reconcilerChecks: readonly Check[] = [
  {
    name: 'reconciler-dry-run',
    group: 'reconciler',
    quick: true,
    description: 'The search for lost images runs, and says what it would do.',
    async run({ stack, aws }) {
      const { FunctionError, Payload = new Uint8Array() } = await aws.lambda.send(
        new InvokeCommand({
          FunctionName: stack.outputs.ReconcilerFunctionName,
          Payload: Buffer.from('{"dryRun":true}'),
        }),
      );
      const text = Buffer.from(Payload).toString();
      if (FunctionError !== undefined) return failed(`It failed (${FunctionError}): ${text.slice(0, 300)}`);
      const { success, data } = reportSchema.safeParse(JSON.parse(text));
      if (!success) return failed(`It returned no report: ${text.slice(0, 300)}`);
      return held(
        `${data.backlog} messages wait, ${data.requeued.length} images would be requested again, ${data.expired.length} would expire.`,
      );
    },
  },
];
