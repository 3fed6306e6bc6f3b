import type { Sharp } from 'sharp';

const maxWarnings = 20;
const maxCharacters = 200;

/** What libvips warns of while it reads one image: each text once, because a damaged file repeats it. */
export class Warnings {
  readonly #texts = new Set<string>();

  /** In the library's words. */
  get texts(): readonly string[] {
    return [...this.#texts];
  }

  /** Keeps what this reader warns of. */
  of(image: Sharp): Sharp {
    return image.on('warning', (text: unknown) => {
      if (this.#texts.size < maxWarnings) this.#texts.add(String(text).slice(0, maxCharacters));
    });
  }
}
