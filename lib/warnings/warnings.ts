import { isDeepStrictEqual } from 'node:util';
import { Annotations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { busyFunctions } from '../function-concurrency.ts';
import { resizeMemoryMiB } from '../function-memory.ts';
import { readSettings, type Settings } from '../settings.ts';
import type { WarningId } from './settings.ts';

/** What an account has before its first increase (Lambda Developer Guide, "Lambda quotas"). */
const newAccount = { concurrency: 10, memoryMiB: 3008 };

/** One must stay free for the callers that do not wait. The reconciler, which seldom runs, can try again. */
const otherFunctions = 1;

/** Shows a warning, unless the operator has accepted it. */
const warn = (where: IConstruct, settings: Settings, id: WarningId, text: string): void => {
  if (!settings.acknowledgedWarnings.includes(id)) Annotations.of(where).addWarningV2(id, text);
};

/** Warns about settings that are valid, but that few want to keep in production. */
export const warnAboutSettings = (service: IConstruct, settings: Settings): void => {
  if (settings.alerts.emails.length === 0) {
    warn(service, settings, 'no-alerts', 'No one gets alarms. Set alerts.emails.');
  }
  if (settings.auth === 'none') {
    warn(service, settings, 'open-api', 'Anyone who knows the URL may upload. Set auth.');
  }
  const above = aboveNewAccount(settings);
  if (above.length > 0) {
    const text = `A new AWS account allows less. ${above.join(' ')} Lower them, or request higher quotas first.`;
    warn(service, settings, 'new-account-quotas', text);
  }
};

/** One sentence for each quota of a new account that these settings exceed. */
const aboveNewAccount = (settings: Settings): readonly string[] => {
  const sentences: string[] = [];
  if (settings.compute === 'lambda') {
    const functions = busyFunctions(settings);
    if (functions > newAccount.concurrency - otherFunctions) {
      sentences.push(
        `With resizeMaxConcurrency, slowResizeMaxConcurrency and maxWaitingCallers as they are, ${functions} functions may run at a time besides those for requests: it has ${newAccount.concurrency}.`,
      );
    }
    const memoryMiB = resizeMemoryMiB(settings, 'slow');
    if (memoryMiB > newAccount.memoryMiB) {
      sentences.push(
        `decodeMemoryMiB makes a function of ${memoryMiB} MiB: it allows ${newAccount.memoryMiB}.`,
      );
    }
  }
  if (settings.ingestMaxConcurrency !== null) {
    sentences.push('ingestMaxConcurrency reserves concurrency: it has none to reserve.');
  }
  return sentences;
};

/**
 * Warns about settings that were given for one command only: the next one without them undoes them.
 *
 * @param context of the app
 * @param stored the part of it that is in cdk.json
 */
export const warnAboutContext = (
  stack: IConstruct,
  context: Readonly<Record<string, unknown>>,
  stored: Readonly<Record<string, unknown>>,
): void => {
  const settings = readSettings(context);
  const next: Readonly<Record<string, unknown>> = readSettings(stored);
  const forgotten = Object.entries(settings)
    // Another name is another stack, which the next command leaves alone.
    .filter(([name, value]) => name !== 'stackName' && !isDeepStrictEqual(value, next[name]))
    .map(([name]) => name);
  if (forgotten.length === 0) return;
  const text = `The next deployment without them undoes what -c gives: ${forgotten.join(', ')}. Move them to cdk.json.`;
  warn(stack, settings, 'context-settings', text);
};
