import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Deployment } from './deployment.ts';

/** Runs a curl command in a shell, in the folder of the run. */
export const runCurl = async (
  { folder, emulator }: Pick<Deployment, 'folder' | 'emulator'>,
  command: string,
): Promise<{ readonly status: number; readonly body: string }> => {
  const { stdout, stderr } = await promisify(execFile)(
    'sh',
    ['-c', `${command} --silent --show-error --write-out '%{stderr}%{http_code}'`],
    // Without the developer's ~/.curlrc and without a proxy.
    {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, CURL_CA_BUNDLE: emulator.certificateFile },
    },
  );
  return { status: Number(stderr), body: stdout };
};
