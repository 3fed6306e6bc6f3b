import { type FilteredLogEvent, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import * as z from 'zod';
import type { Check, Context } from '../check.ts';
import { failed, held, judge } from '../outcome.ts';
import { waitFor } from '../wait.ts';
import { stageOf } from './api.ts';

/** How far back logs are searched. */
const searchMilliseconds = 3_600_000;

/** More pages would only repeat the finding. */
const maxPages = 50;

const eventsIn = async (
  { aws }: Context,
  logGroupName: string,
  startTime: number,
  filterPattern?: string,
): Promise<readonly FilteredLogEvent[]> => {
  const found: FilteredLogEvent[] = [];
  let pages = 0;
  for await (const { events = [] } of paginateFilterLogEvents(
    { client: aws.logs },
    { logGroupName, startTime, ...(filterPattern && { filterPattern }) },
  )) {
    found.push(...events);
    pages += 1;
    if (pages === maxPages) break;
  }
  return found;
};

/** How services say that a permission is missing, as patterns of CloudWatch Logs. */
const refusals = ['"not authorized to perform"', '"AccessDenied"'];

const errorSchema = z.object({ error: z.object({ message: z.string() }) });

/** The error in a line of the code's log, or the start of another line. */
const messageOf = (line: string): string => {
  try {
    return errorSchema.parse(JSON.parse(line)).error.message.slice(0, 300);
  } catch {
    return line.slice(0, 300);
  }
};

const accessSchema = z.object({
  time: z.string().min(1),
  requestId: z.string().min(1),
  route: z.string().min(1),
  status: z.string().regex(/^\d{3}$/),
  milliseconds: z.string(),
});

/** Whether a line of the access log is as the stage writes it. */
export const isAccessLine = (line: string): boolean => {
  try {
    return accessSchema.safeParse(JSON.parse(line)).success;
  } catch {
    return false;
  }
};

/** What the logs have, after the requests of the run. */
export const logChecks: readonly Check[] = [
  {
    name: 'no-access-denied',
    group: 'logs',
    quick: true,
    description:
      'No log of the stack has a refused permission, within the last hour and since the last change of the stack.',
    async run(context) {
      const { stack, startedAt } = context;
      const since = Math.max(stack.changedAt.getTime(), startedAt.getTime() - searchMilliseconds);
      const logGroups = stack.of('AWS::Logs::LogGroup');
      const faults: string[] = [];
      for (const { logicalId, physicalId } of logGroups) {
        const found = new Map<string | undefined, string>();
        for (const pattern of refusals) {
          for (const { eventId, message = '' } of await eventsIn(context, physicalId, since, pattern)) {
            found.set(eventId, message);
          }
        }
        const [first, ...others] = found.values();
        if (first !== undefined) {
          const more = others.length > 0 ? ` (and ${others.length} more)` : '';
          faults.push(`${logicalId}: ${messageOf(first)}${more}`);
        }
      }
      return judge(faults, `${logGroups.length} logs since ${new Date(since).toISOString()}.`);
    },
  },
  {
    name: 'access-log',
    group: 'logs',
    quick: false,
    description: 'The access log has the requests of this run, each line as JSON.',
    async run(context) {
      const { api, startedAt, signal } = context;
      const { AccessLogSettings } = await stageOf(context);
      const [, logGroupName] = /:log-group:([^:]+)/.exec(AccessLogSettings?.DestinationArn ?? '') ?? [];
      if (logGroupName === undefined) return failed('The stage has no access log.');
      await api.send('GET', '/openapi.json');
      const events = await waitFor(
        () => eventsIn(context, logGroupName, startedAt.getTime()),
        (found) => found.length > 0,
        { timeoutSeconds: 120, intervalSeconds: 5, signal },
      );
      if (events.length === 0) return failed(`${logGroupName} has no line of this run after two minutes.`);
      const malformed = events.find(({ message = '' }) => !isAccessLine(message));
      return malformed === undefined
        ? held(`${events.length} lines.`)
        : failed(`A line is not as expected: ${malformed.message?.slice(0, 300)}`);
    },
  },
];
