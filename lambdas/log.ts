/** One JSON line for each decision. Never a presigned URL, which opens what it names, and never a person's address. */
export interface Log {
  info(message: string, facts: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts: Readonly<Record<string, unknown>>): void;
  error(message: string, facts: Readonly<Record<string, unknown>>): void;
}
