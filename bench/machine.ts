import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import * as z from 'zod';
import { project } from './project.ts';

const versionOf = (name: string): string =>
  z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8'))).version;

/** The machine of the measurements, without anything that identifies its owner. */
export const describeMachine = () => ({
  processor: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  platform: `${process.platform} ${process.arch}`,
  /** Of the last minute before the start; well below 1 on an idle machine. */
  loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
});

export const describeVersions = () => ({
  node: process.versions.node,
  sharp: sharp.versions.sharp,
  libvips: sharp.versions.vips,
  esbuild: versionOf('esbuild'),
  awsSdk: versionOf('@aws-sdk/client-s3'),
  commit: commit(),
});

/** The current commit; undefined without git. */
const commit = (): string | undefined => {
  try {
    return execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], {
      cwd: project,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
};
