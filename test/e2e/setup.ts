import { mkdirSync } from 'node:fs';
import { installEmulator } from './emulator.ts';

/** Before the tests, which run at the same time: they share one installation. */
const setUp = async (): Promise<void> => {
  mkdirSync('.tmp/e2e', { recursive: true });
  await installEmulator('.tmp/e2e/install.log');
};

export default setUp;
