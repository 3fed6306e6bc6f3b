declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** The parts of dynalite's interface that are used here; it ships no types. */
  export default function dynalite(options?: {
    readonly path?: string;
    readonly createTableMs?: number;
  }): Server;
}
