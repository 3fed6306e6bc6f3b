import type { Settings } from './settings.ts';

/** Functions that delete images at a time: the least that an event source may have. */
export const deletionMaxConcurrency = 2;

/** Functions that send mails at a time. */
export const notifyMaxConcurrency = 2;

export type ConcurrencySettings = Pick<
  Settings,
  'email' | 'maxWaitingCallers' | 'resizeMaxConcurrency' | 'slowResizeMaxConcurrency'
>;

/** Functions that full queues and waiting callers keep busy. Those for other requests come on top. */
export const busyFunctions = (settings: ConcurrencySettings): number =>
  settings.resizeMaxConcurrency +
  settings.slowResizeMaxConcurrency +
  settings.maxWaitingCallers +
  deletionMaxConcurrency +
  (settings.email === null ? 0 : notifyMaxConcurrency);
