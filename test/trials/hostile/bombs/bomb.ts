import type { Expected } from '../input.ts';

/** A small file that takes much: time, memory or patience. */
export interface Bomb {
  make(): Promise<Buffer> | Buffer;
  /** How it must end. @default - in any way that is an answer */
  readonly must?: Expected;
  /**
   * Width and height that its header states, in pixels. @default - it has no header that libvips would read
   */
  readonly claims?: readonly [number, number];
}

export type Bombs = Readonly<Record<string, Bomb>>;
