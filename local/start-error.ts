/** A reason not to start that the developer can fix. It is printed without a stack. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
