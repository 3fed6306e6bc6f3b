import { Logger } from '@aws-lambda-powertools/logger';

type Facts = Readonly<Record<string, unknown>>;

/**
 * Writes JSON lines, one for each decision. Facts must contain no presigned URL, which gives access, and no
 * mail address. Of an error the name, message, code and cause are logged, not the stack trace.
 */
export interface Log {
  info(message: string, facts: Facts): void;
  warn(message: string, facts: Facts): void;
  error(message: string, facts: Facts): void;
}

/** Other properties of an SDK error may contain a whole request with its signature. */
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

/** @param serviceName the value of `service` in each line */
export const createLog = (serviceName: string): Log => {
  const logger = new Logger({ serviceName });
  return {
    info: (message, facts) => logger.info(message, plain(facts)),
    warn: (message, facts) => logger.warn(message, plain(facts)),
    error: (message, facts) => logger.error(message, plain(facts)),
  };
};
