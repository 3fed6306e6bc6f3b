import type { Sharp } from 'sharp';

const maxLines = 20;
const maxCharacters = 1000;

/** What libvips warns of while it reads one image: each line once, because a damaged file repeats them. */
export class Warnings {
  readonly #lines: Set<string>;

  /** @param earlier what it warned of before */
  constructor(earlier: readonly string[] = []) {
    this.#lines = new Set(earlier);
  }

  /** In the library's words. */
  get lines(): readonly string[] {
    return [...this.#lines];
  }

  /** Keeps what this reader warns of. */
  of(image: Sharp): Sharp {
    return image.on('warning', (text: unknown) => {
      const lines = String(text).slice(0, maxCharacters).split('\n');
      for (const line of lines.map((each) => each.trim()).filter(Boolean)) {
        if (this.#lines.size < maxLines) this.#lines.add(line);
      }
    });
  }
}
