declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** The parts that are used here, as dynalite ships no types. */
  export default function dynalite(options?: {
    readonly path?: string;
    readonly createTableMs?: number;
  }): Server;
}

declare module 'dynalite/db/index.js' {
  interface Failure {
    readonly body: object;
  }

  const db: {
    /** Checks the condition of a write against the stored item. */
    checkConditional(
      request: Readonly<Record<string, unknown>>,
      item: object | undefined,
    ): Failure | null | undefined;
  };
  export default db;
}

declare module 'dynalite/validations/updateItem.js' {
  const updateItem: {
    /** The parameters that dynalite does not drop. */
    readonly types: Record<string, { readonly type: string; readonly enum?: readonly string[] }>;
  };
  export default updateItem;
}
