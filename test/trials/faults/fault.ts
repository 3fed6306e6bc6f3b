/** How a call fails. */
export const faultKinds = ['error', 'throttle', 'timeout', 'reset', 'half-body', 'stalled-body'] as const;
export type FaultKind = (typeof faultKinds)[number];

/**
 * When a call fails: `before` the service has seen it, `during` its arrival (the service gets half of the request), or
 * `after` the service has done what was asked, so that only its answer is lost.
 */
export type Moment = 'before' | 'during' | 'after';

/**
 * The moments that make sense for each kind.
 *
 * - `error` and `throttle` are answers; who is throttled is not served.
 * - `timeout` accepts the request and never answers; `reset` resets the connection.
 * - `half-body` ends the connection half-way through the request or the answer; `stalled-body` leaves it open instead.
 */
export const momentsOf = {
  error: ['before', 'after'],
  throttle: ['before'],
  timeout: ['before', 'after'],
  reset: ['before', 'after'],
  'half-body': ['during', 'after'],
  'stalled-body': ['during', 'after'],
} as const satisfies Readonly<Record<FaultKind, readonly Moment[]>>;

/** A kind whose victim notices only when its own patience ends. */
export const hangs = (kind: FaultKind): boolean => kind === 'timeout' || kind === 'stalled-body';
