import { type FilteredLogEvent, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import * as z from 'zod';
import type { Check, Context } from '../check.ts';
import { counted, failed, held, judge, unknown } from '../outcome.ts';
import { waitFor } from '../wait.ts';
import { stageOf } from './api.ts';

/** How far back logs are searched. */
const searchMilliseconds = 3_600_000;

/** A page is 1 MB of a log that was searched, with or without a finding. */
const maxPages = 200;

/**
 * The lines of a log that match a pattern, up to the first page that has some.
 *
 * @returns undefined if the log is too long to search, and nothing was found
 */
const eventsIn = async (
  { aws }: Context,
  logGroupName: string,
  startTime: number,
  filterPattern?: string,
): Promise<readonly FilteredLogEvent[] | undefined> => {
  let pages = 0;
  for await (const { events = [] } of paginateFilterLogEvents(
    { client: aws.logs },
    { logGroupName, startTime, ...(filterPattern && { filterPattern }) },
  )) {
    if (events.length > 0) return events;
    pages += 1;
    if (pages === maxPages) return undefined;
  }
  return [];
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
      const tooLong: string[] = [];
      for (const { logicalId, physicalId } of logGroups) {
        const found: FilteredLogEvent[] = [];
        for (const pattern of refusals) {
          const events = await eventsIn(context, physicalId, since, pattern);
          if (events === undefined) tooLong.push(logicalId);
          else found.push(...events);
        }
        if (found.length > 0) faults.push(`${logicalId}: ${messageOf(found[0]?.message ?? '')}`);
      }
      if (faults.length === 0 && tooLong.length > 0) {
        return unknown(`${tooLong.join(', ')} has more of the last hour than can be searched.`);
      }
      return judge(faults, `${counted(logGroups.length, 'log')} since ${new Date(since).toISOString()}.`);
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
        (found) => found === undefined || found.length > 0,
        { timeoutSeconds: 120, intervalSeconds: 5, signal },
      );
      if (events === undefined) return unknown(`${logGroupName} has more lines than can be searched.`);
      if (events.length === 0) return failed(`${logGroupName} has no line of this run after two minutes.`);
      const malformed = events.find(({ message = '' }) => !isAccessLine(message));
      return malformed === undefined
        ? held(`${counted(events.length, 'line')}.`)
        : failed(`A line is not as expected: ${malformed.message?.slice(0, 300)}`);
    },
  },
];
