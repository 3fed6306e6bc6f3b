import type { Expected } from '../input.ts';

/** A small file that is expensive to decode. */
export interface Bomb {
  make(): Promise<Buffer> | Buffer;
  /** The required outcome. @default - any valid reply */
  readonly must?: Expected;
  /** Width and height in its header, in pixels. @default - it has no header that libvips reads */
  readonly claims?: readonly [number, number];
}

export type Bombs = Readonly<Record<string, Bomb>>;
