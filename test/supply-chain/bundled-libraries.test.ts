import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import sharp from 'sharp';
import * as z from 'zod';
import { fixesInLibheifJs, fixesInSharp } from './fixes.ts';

const { dependencies } = z
  .object({ dependencies: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync('package.json', 'utf8')));

/** Libraries that are older than a fix, although the newest package has no newer ones. */
const knownOld: Readonly<Record<string, string>> = {
  // What a file does to them stays in the memory of WebAssembly, in a process that can be killed.
  'libheif-js heif': '1.23.2',
  'libheif-js de265': '1.0.15',
};

const isAtLeast = (version: string, least: string): boolean => {
  const parts = (text: string) => text.split('.').map(Number);
  const [given, wanted] = [parts(version), parts(least)];
  if (given.some(Number.isNaN)) throw new Error(`"${version}" is no version`);
  for (let at = 0; at < wanted.length; at += 1) {
    const difference = (given[at] ?? 0) - (wanted[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
};

const versionsIn = z.record(z.string(), z.string());

const wasmSchema = z.object({
  _heif_get_version: z.custom<() => number>(),
  _de265_get_version: z.custom<() => number>(),
  HEAPU8: z.instanceof(Uint8Array),
});

/** The versions of the libraries in libheif-js, which say them themselves. */
const libheifJsVersions = (): Readonly<Record<'heif' | 'de265', string>> => {
  const load = createRequire(join(process.cwd(), 'package.json'));
  const start = z
    .custom<() => unknown>((value) => typeof value === 'function')
    .parse(load('libheif-js/libheif-wasm/libheif-bundle.js'));
  const wasm = wasmSchema.parse(start());
  const textAt = (at: number): string =>
    Buffer.from(wasm.HEAPU8.subarray(at, wasm.HEAPU8.indexOf(0, at))).toString('latin1');
  return { heif: textAt(wasm._heif_get_version()), de265: textAt(wasm._de265_get_version()) };
};

test.each(Object.entries(fixesInSharp))('sharp has %s with all known fixes', (library, { atLeast }) => {
  const version = versionsIn.parse(sharp.versions)[library] ?? 'missing';
  expect({ version, isFixed: isAtLeast(version, atLeast) }).toEqual({ version, isFixed: true });
});

const withLibheifJs = 'libheif-js' in dependencies ? test : test.skip;

withLibheifJs.each(['heif', 'de265'] as const)(
  'libheif-js has %s with all known fixes, or the version that is known to be old',
  (library) => {
    const version = libheifJsVersions()[library];
    const old = knownOld[`libheif-js ${library}`];
    const isFixed = isAtLeast(version, fixesInLibheifJs[library].atLeast);
    // An entry of a library that is fixed must go.
    expect(isFixed ? undefined : version).toBe(old);
  },
);

test('no loader of libvips can run that the list does not know', () => {
  const used = ['aom', 'exif', 'heif', 'lcms', 'png', 'sharp', 'tiff', 'vips', 'webp', 'zlib-ng'];
  expect(Object.keys(fixesInSharp).toSorted()).toEqual(used);
  const others = [
    'archive',
    'cairo',
    // Writes GIFs, which no variant is.
    'cgif',
    'expat',
    'ffi',
    'fontconfig',
    'freetype',
    'fribidi',
    'glib',
    'harfbuzz',
    'highway',
    'imagequant',
    // Its version is a commit of mozilla/mozjpeg, which cannot be compared.
    'mozjpeg',
    'pango',
    'pixman',
    'proxy-libintl',
    'rsvg',
    'uhdr',
    'xml2',
  ];
  const bundled = Object.keys(versionsIn.parse(sharp.versions)).filter((name) => !used.includes(name));
  expect(bundled.toSorted()).toEqual(others);
});
