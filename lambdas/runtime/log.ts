import { Logger } from '@aws-lambda-powertools/logger';

type Facts = Readonly<Record<string, unknown>>;

/**
 * One JSON line for each decision. Never a presigned URL, which opens what it names, never a person's address, and of
 * an error what tells it from others, but not its stack trace.
 */
export interface Log {
  info(message: string, facts: Facts): void;
  warn(message: string, facts: Facts): void;
  error(message: string, facts: Facts): void;
}

/** What else the SDK attaches to an error may hold a whole request, signature and all. */
const plainError = (error: Error): Facts => ({
  name: error.name,
  message: error.message,
  ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
  ...(error.cause instanceof Error ? { cause: plainError(error.cause) } : {}),
});

const plain = (facts: Facts): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [name, fact instanceof Error ? plainError(fact) : fact]),
  );

/** @param serviceName which of the services speaks */
export const createLog = (serviceName: string): Log => {
  const logger = new Logger({ serviceName });
  return {
    info: (message, facts) => logger.info(message, plain(facts)),
    warn: (message, facts) => logger.warn(message, plain(facts)),
    error: (message, facts) => logger.error(message, plain(facts)),
  };
};
