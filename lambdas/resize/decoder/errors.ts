/**
 * Why a decode stopped without a verdict about the image.
 *
 * - `estimate`: the header promises more work than the lane allows.
 * - `cpu`, `memory`: the decode used more than the lane allows.
 * - `crash`: the process ended by itself, or sent something that is not a reply.
 * - `stall`: the process did not get the CPU time that it may use. That is the machine's fault.
 */
export type StopReason = 'estimate' | 'cpu' | 'memory' | 'crash' | 'stall';

/** A decode stopped, which alone is no verdict about the image. */
export class DecodeStopped extends Error {
  override readonly name = 'DecodeStopped';
  readonly reason: StopReason;

  constructor(reason: StopReason, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.reason = reason;
  }
}
