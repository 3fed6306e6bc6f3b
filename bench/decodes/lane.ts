import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Something that decodes one image after the other, and can be told to. */
export interface Lane {
  /** Settles when it has decoded the image so many times. */
  decode(times: number): Promise<void>;
  stop(): void;
}

/** One `bare-sharp.ts` process. */
export const startBareSharp = async (file: string): Promise<Lane> => {
  const child = fork(fileURLToPath(new URL('bare-sharp.ts', import.meta.url)), [file], { execArgv: [] });
  child.once('exit', (code) => {
    if (code !== null) throw new Error(`bare-sharp.ts ended with ${code}.`);
  });
  await once(child, 'message');
  return {
    decode: async (times) => {
      child.send(times);
      await once(child, 'message');
    },
    stop: () => {
      child.kill();
    },
  };
};
