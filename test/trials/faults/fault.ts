/** How a call fails. */
export const faultKinds = ['error', 'throttle', 'timeout', 'reset', 'half-body', 'stalled-body'] as const;
export type FaultKind = (typeof faultKinds)[number];

/**
 * When a call fails: `before` the service receives it, `during` its arrival (the service receives half of the
 * request), or `after` the service has done its work, so that only the reply is lost.
 */
export type Moment = 'before' | 'during' | 'after';

/**
 * The moments that are possible for each kind.
 *
 * - `error` and `throttle` are replies; a throttled request has no effect.
 * - `timeout` accepts the request and never replies; `reset` resets the connection.
 * - `half-body` closes the connection in the middle of the request or reply; `stalled-body` leaves it open.
 */
export const momentsOf = {
  error: ['before', 'after'],
  throttle: ['before'],
  timeout: ['before', 'after'],
  reset: ['before', 'after'],
  'half-body': ['during', 'after'],
  'stalled-body': ['during', 'after'],
} as const satisfies Readonly<Record<FaultKind, readonly Moment[]>>;

/** A kind that the caller notices only by its own timeout. */
export const hangs = (kind: FaultKind): boolean => kind === 'timeout' || kind === 'stalled-body';
