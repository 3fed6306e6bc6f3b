import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { bundling } from '../lib/constructs/service-function.ts';
import { decoderModules } from '../lib/resize/resize-function.ts';
import { packageOf } from '../test/package/packaged-function.ts';
import { benchFolder, project } from './project.ts';

/** By the names of Node.js. */
const architectures: Readonly<Record<string, Architecture>> = {
  x64: Architecture.X86_64,
  arm64: Architecture.ARM_64,
};

const functions = {
  ingest: { entry: 'lambdas/ingest/index.ts' },
  resize: {
    entry: 'lambdas/resize/index.ts',
    ...decoderModules({ heic: true }),
  },
} as const;

export type FunctionName = keyof typeof functions;

/**
 * Packages a function as for AWS, but for the processor of this machine.
 *
 * @returns its file `index.js`, in a folder that contains only its package
 */
export const packageFunction = (name: FunctionName): string => {
  const architecture = architectures[process.arch];
  if (process.platform !== 'linux' || architecture === undefined) {
    throw new Error(
      `Functions are packaged for Linux on x64 or arm64, not for ${process.platform} ${process.arch}.`,
    );
  }
  const { entry, ...native } = { nativeModules: undefined, processes: undefined, ...functions[name] };
  const assembly = join(benchFolder, 'assembly', name);
  rmSync(assembly, { recursive: true, force: true });
  const app = new App({ outdir: assembly });
  new NodejsFunction(new Stack(app, 'Bench'), name, {
    entry: join(project, entry),
    projectRoot: project,
    depsLockFilePath: join(project, 'package-lock.json'),
    runtime: Runtime.NODEJS_24_X,
    architecture,
    bundling: bundling(architecture, native),
  });
  app.synth();
  const parent = join(benchFolder, 'packages');
  const folder = join(parent, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(parent, { recursive: true });
  // In Lambda no package.json above the package exists: its files are CommonJS.
  writeFileSync(join(parent, 'package.json'), '{"type":"commonjs"}\n');
  cpSync(packageOf(assembly, name), folder, { recursive: true });
  return join(folder, 'index.js');
};
