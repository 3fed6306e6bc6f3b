import { gzipSync } from 'node:zlib';
import { box } from './formats/avif.ts';
import { latin1, u16le, u32le } from './numbers.ts';

/**
 * Code that a browser, a shell or a viewer would run if it were served unchanged; each contains
 * `foreignMarker`.
 */
export const foreignMarker = 'FOREIGN-PAYLOAD';

export const payloads: Readonly<Record<string, Buffer>> = {
  html: latin1(`<!DOCTYPE html><html><body><script>alert("${foreignMarker}")</script></body></html>`),
  script: latin1(`*/;alert("${foreignMarker}");/*`),
  pdf: latin1(
    `%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert\\("${foreignMarker}"\\))>>>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n`,
  ),
  php: latin1(`<?php system($_GET["${foreignMarker}"]); ?>`),
  shell: latin1(`#!/bin/sh\necho ${foreignMarker}\n`),
  svg: latin1(
    `<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"><script>/*${foreignMarker}*/</script></svg>`,
  ),
  // One stored file, named after the marker, and its directory entry.
  zip: Buffer.concat([
    Buffer.from('504b03040a00000000000000000000000000000000000000000000000f000000', 'hex').subarray(0, 26),
    u16le(foreignMarker.length),
    u16le(0),
    latin1(foreignMarker),
    Buffer.from('504b0506', 'hex'),
    Buffer.alloc(18),
  ]),
};

const svgOf = (content: string, before = ''): Buffer =>
  latin1(
    `${before}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64">${content}</svg>`,
  );

const rect = '<rect width="64" height="64" fill="red"/>';

const isoFile = (major: string, ...brands: readonly string[]): Buffer =>
  Buffer.concat([
    box({ type: 'ftyp', content: latin1(`${major}\0\0\0\0${brands.join('')}`) }),
    box({ type: 'meta', content: Buffer.alloc(40) }),
    box({ type: 'mdat', content: Buffer.alloc(400, 0x5a) }),
  ]);

const bitmap = Buffer.concat([
  latin1('BM'),
  u32le(54 + 48),
  u32le(0),
  u32le(54),
  u32le(40),
  u32le(4),
  u32le(4),
  u16le(1),
  u16le(24),
  Buffer.alloc(24),
  Buffer.alloc(48, 0x7f),
]);

/** Complete files of types that are not accepted, but that some programs would decode or run. */
export const foreignFiles: Readonly<Record<string, Buffer>> = {
  svg: svgOf(rect),
  'svg-with-declaration': svgOf(rect, '<?xml version="1.0" encoding="UTF-8"?>\n'),
  'svg-after-a-comment': svgOf(rect, '<!-- \x89PNG GIF89a -->\n\n'),
  'svg-that-reads-a-file': svgOf('<image xlink:href="file:///etc/passwd" width="64" height="64"/>'),
  'svg-that-includes': svgOf(
    '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>',
  ),
  'svg-that-calls': svgOf('<image xlink:href="http://127.0.0.1:9/" width="64" height="64"/>'),
  'svg-with-an-entity': svgOf(
    '<text y="20">&file;</text>',
    '<!DOCTYPE svg [<!ENTITY file SYSTEM "file:///etc/passwd">]>',
  ),
  'svg-of-a-billion-laughs': svgOf(
    '<text y="20">&i;</text>',
    `<!DOCTYPE svg [<!ENTITY a "ha">${['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi']
      .map(([of, name]) => `<!ENTITY ${name} "${`&${of};`.repeat(10)}">`)
      .join('')}]>`,
  ),
  'svg-of-one-million-pixels-a-side': latin1(
    '<svg xmlns="http://www.w3.org/2000/svg" width="1000000" height="1000000"/>',
  ),
  svgz: gzipSync(svgOf(rect)),
  html: payloads['html'] ?? Buffer.alloc(0),
  pdf: payloads['pdf'] ?? Buffer.alloc(0),
  zip: payloads['zip'] ?? Buffer.alloc(0),
  postscript: latin1(
    '%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(/etc/passwd) (r) file pop showpage\n',
  ),
  'magick-vectors': latin1(
    'push graphic-context\nviewbox 0 0 64 64\nfill \'url(https://127.0.0.1/a.jpg"|id")\'\npop graphic-context\n',
  ),
  'magick-script': latin1(
    '<?xml version="1.0"?><image><read filename="/etc/passwd"/><write filename="/tmp/a"/></image>',
  ),
  'magick-pixels': latin1('id=ImageMagick  class=DirectClass\ncolumns=4 rows=4\n:\f'),
  label: latin1('label:@/etc/passwd'),
  heic: isoFile('heic', 'mif1', 'heic'),
  'heic-sequence': isoFile('msf1', 'hevc', 'msf1'),
  mp4: isoFile('isom', 'isom', 'iso2', 'avc1', 'mp41'),
  quicktime: isoFile('qt  ', 'qt  '),
  'jpeg-xl': Buffer.concat([Buffer.from([0xff, 0x0a, 0xfa, 0x1f]), Buffer.alloc(200, 0x33)]),
  'jpeg-xl-boxes': Buffer.concat([latin1('\0\0\0\x0cJXL \r\n\x87\n'), Buffer.alloc(200)]),
  'jpeg-2000': Buffer.concat([
    latin1('\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 \0\0\0\0jp2 '),
    Buffer.alloc(200),
  ]),
  'jpeg-2000-stream': Buffer.concat([Buffer.from('ff4fff51002f0000', 'hex'), Buffer.alloc(200)]),
  photoshop: Buffer.concat([
    latin1('8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\0\x40\0\0\0\x40\0\x08\0\x03'),
    Buffer.alloc(400),
  ]),
  icon: Buffer.concat([Buffer.from('000001000100101000000100180068030000160000', 'hex'), Buffer.alloc(900)]),
  cursor: Buffer.concat([
    Buffer.from('000002000100101000000100180068030000160000', 'hex'),
    Buffer.alloc(900),
  ]),
  bitmap,
  'portable-pixmap': Buffer.concat([latin1('P6\n4 4\n255\n'), Buffer.alloc(48, 0x7f)]),
  'portable-floats': Buffer.concat([latin1('PF\n2 2\n-1.0\n'), Buffer.alloc(48)]),
  radiance: Buffer.concat([latin1('#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4 +X 4\n'), Buffer.alloc(64)]),
  'open-exr': Buffer.concat([Buffer.from('762f310102000000', 'hex'), Buffer.alloc(300)]),
  fits: latin1(
    'SIMPLE  =                    T'.padEnd(80) +
      'BITPIX  =                    8'.padEnd(80) +
      'END'.padEnd(2720),
  ),
  vips: Buffer.concat([Buffer.from('08f2a6b6', 'hex'), Buffer.alloc(300)]),
  matlab: Buffer.concat([latin1('MATLAB 5.0 MAT-file'.padEnd(124)), Buffer.alloc(300)]),
  csv: latin1('1,2,3\n4,5,6\n7,8,9\n'),
  avi: Buffer.concat([latin1('RIFF'), u32le(300), latin1('AVI LIST'), Buffer.alloc(292)]),
  wav: Buffer.concat([latin1('RIFF'), u32le(300), latin1('WAVEfmt '), Buffer.alloc(292)]),
  webm: Buffer.concat([Buffer.from('1a45dfa3', 'hex'), latin1('\x9fB\x86\x81\x01webm'), Buffer.alloc(300)]),
  elf: Buffer.concat([latin1('\x7fELF\x02\x01\x01'), Buffer.alloc(300)]),
  shell: payloads['shell'] ?? Buffer.alloc(0),
  json: latin1('{"sha256":"00","bytes":1}'),
  form: latin1(
    '--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n\r\n--x--\r\n',
  ),
  base64: latin1(
    'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  ),
};
