import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runCommand } from './command.ts';

/** The last release. Its source is kept here, because a clone may lack the history. */
export const lastRelease = '0.2.0';

/**
 * Unpacks the last release, to be deployed with the libraries of this version.
 *
 * @param folder below the project
 * @returns the folder of its `cdk.json`
 */
export const unpackRelease = async (folder: string): Promise<string> => {
  const projectFolder = join(folder, 'release');
  mkdirSync(projectFolder);
  const archive = join(import.meta.dirname, 'releases', `${lastRelease}.tar.gz`);
  await runCommand('tar', ['-xzf', archive, '-C', projectFolder], {
    environment: process.env,
    logFile: join(folder, 'unpack.log'),
    timeoutSeconds: 30,
  });
  // The bundler looks for both beside cdk.json.
  symlinkSync(resolve('node_modules'), join(projectFolder, 'node_modules'));
  copyFileSync('package-lock.json', join(projectFolder, 'package-lock.json'));
  return projectFolder;
};
