/** The oldest version of a library in which its known vulnerabilities are fixed, as of November 2026. */
export interface Fix {
  readonly atLeast: string;
  /** When it was released or packaged. */
  readonly date: string;
  /** What it fixes, of what a decoder of images runs. */
  readonly vulnerabilities: readonly string[];
  /** Where that is written, on github.com unless said. */
  readonly source: string;
}

const libheif: Fix = {
  atLeast: '1.23.5',
  date: '2026-09-21',
  vulnerabilities: [
    'GHSA-v8qw-hwjv-44hw',
    'GHSA-qwpf-5wf7-r996',
    'GHSA-9c75-9g8r-4728',
    'GHSA-r7gr-2xm2-23wf',
    'GHSA-q492-cfcm-895h',
    'GHSA-qfj5-c4pq-q998',
    'GHSA-7pwf-qh74-p35w',
  ],
  source: 'getsolus/packages/pull/10766, strukturag/libheif/releases/tag/v1.23.5',
};

/** Libraries in sharp's binaries that see bytes of originals, by their names in `sharp.versions`. */
export const fixesInSharp: Readonly<Record<string, Fix>> = {
  sharp: {
    atLeast: '0.35.4',
    date: '2026-08-27',
    vulnerabilities: ['GHSA-rgj7-g3m4-5g8c', 'CVE-2026-84383', 'GHSA-f88m-g3jw-g9cj'],
    source: 'lovell/sharp/security/advisories/GHSA-rgj7-g3m4-5g8c, advisories/GHSA-f88m-g3jw-g9cj',
  },
  // Its own loader of GIFs is part of it.
  vips: {
    atLeast: '8.18.3',
    date: '2026-07-03',
    vulnerabilities: [
      'CVE-2026-2913',
      'CVE-2026-33327',
      'CVE-2026-33328',
      'CVE-2026-35590',
      'CVE-2026-35591',
    ],
    source: 'nsg/immich-distribution/issues/401, artokun/comfyui-mcp/pull/744',
  },
  heif: libheif,
  aom: {
    atLeast: '3.15.0',
    date: '2026-09-01',
    vulnerabilities: ['CVE-2026-56209'],
    source: 'microsoft/vcpkg/issues/52884, glfs-book/glfs/issues/539',
  },
  png: {
    atLeast: '1.6.58',
    date: '2026-04-28',
    vulnerabilities: ['CVE-2026-34757', 'CVE-2026-33416', 'CVE-2026-33636', 'CVE-2026-22695'],
    source: 'espressif/idf-extra-components/pull/739, getsolus/packages/pull/8311',
  },
  tiff: {
    atLeast: '4.7.2',
    date: '2026-07-08',
    vulnerabilities: ['CVE-2026-4775', 'CVE-2025-9900'],
    source: 'conan-io/conan-center-index/issues/30576, getsolus/packages/pull/6369',
  },
  webp: {
    atLeast: '1.3.2',
    date: '2023-09-13',
    vulnerabilities: ['CVE-2023-4863'],
    source: 'advisories/GHSA-j7hp-h8jx-5ppr',
  },
  lcms: {
    atLeast: '2.19',
    date: '2026-04-24',
    vulnerabilities: ['CVE-2026-41254'],
    source: 'getsolus/packages/pull/8659',
  },
  exif: {
    atLeast: '0.6.26',
    date: '2026-04-14',
    vulnerabilities: ['CVE-2026-32775', 'CVE-2026-40385', 'CVE-2026-40386'],
    source: 'void-linux/void-packages/pull/60008',
  },
  'zlib-ng': {
    atLeast: '2.0.7',
    date: '2022-12-26',
    vulnerabilities: ['CVE-2022-37434'],
    source: 'zlib-ng/zlib-ng/pull/1393',
  },
};

/** Libraries in libheif-js. */
export const fixesInLibheifJs: Readonly<Record<'heif' | 'de265', Fix>> = {
  heif: libheif,
  de265: {
    atLeast: '1.1.2',
    date: '2026-09-04',
    vulnerabilities: [
      'GHSA-xp3h-6f5r-8cxp',
      'GHSA-mm7m-v26f-wf8x',
      'GHSA-653q-9f73-8hvg',
      'GHSA-g2rg-wj66-w594',
      'GHSA-vv8h-932h-7r86',
      'CVE-2026-45382',
      'CVE-2026-45383',
      'CVE-2026-33164',
      'CVE-2026-33165',
      'CVE-2024-38949',
      'CVE-2024-38950',
    ],
    source:
      'getsolus/packages/pull/10492, jdeng/goheif/issues/43, getsolus/packages/pull/9038, ' +
      'getsolus/packages/pull/8965, getsolus/packages/pull/8618, AOSC-Dev/aosc-os-abbs/pull/14544',
  },
};
