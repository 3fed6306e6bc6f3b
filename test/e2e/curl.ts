import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Deployment } from './deployment.ts';

/** Runs a curl command as a shell reads it, in the run's folder. */
export const runCurl = async (
  { folder, emulator }: Pick<Deployment, 'folder' | 'emulator'>,
  command: string,
): Promise<{ readonly status: number; readonly body: string }> => {
  const { stdout, stderr } = await promisify(execFile)(
    'sh',
    ['-c', `${command} --silent --show-error --write-out '%{stderr}%{http_code}'`],
    // Neither the developer's ~/.curlrc nor a proxy.
    {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, CURL_CA_BUNDLE: emulator.certificateFile },
    },
  );
  return { status: Number(stderr), body: stdout };
};
