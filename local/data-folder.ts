import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { StartError } from './start-error.ts';

const credentialsSchema = z.object({
  accessKeyId: z.string().regex(/^LOCAL[A-Z2-7]{15}$/),
  secretAccessKey: z.string().regex(/^[0-9a-f]{64}$/),
});

/** The credentials that the emulators of one data folder accept. */
export type Credentials = Readonly<z.output<typeof credentialsSchema>>;

export interface DataFolder {
  readonly path: string;
  readonly credentials: Credentials;
}

/** Holds all data folders. */
const root = '.local';

/** Where the run at a port keeps its state, so that runs at several ports do not share any. */
export const dataFolderOf = (apiPort: number): string => join(root, String(apiPort));

const credentialsFile = 'credentials.json';

/**
 * Opens the data folder of a port for this process alone, and creates it if necessary. Other users of this
 * machine cannot read it, nor any file that this process and its children create from now on.
 *
 * @throws StartError when another process uses it, or when it cannot be read or written
 */
export const openDataFolder = (apiPort: number): DataFolder => {
  process.umask(0o077);
  const path = dataFolderOf(apiPort);
  try {
    mkdirSync(path, { recursive: true });
    makePrivate(root);
    lock(path);
    return { path, credentials: existingCredentials(path) ?? createCredentials(path) };
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`The data folder ${path} cannot be used: ${messageOf(error)}`);
  }
};

/**
 * Reads the credentials of a data folder.
 *
 * @throws StartError when `npm start` has never run there
 */
export const readCredentials = (path: string): Credentials => {
  const credentials = existingCredentials(path);
  if (credentials !== undefined) return credentials;
  throw new StartError(
    `There are no credentials in ${path}. Run npm start first, with the same PORT if you set one.`,
  );
};

/** Includes files that an earlier version of this project left readable. */
const makePrivate = (folder: string): void => {
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    try {
      if (entry.isDirectory()) makePrivate(path);
      else if (entry.isFile()) chmodSync(path, 0o600);
    } catch (error) {
      // A run at another port may remove its files at the same time.
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
};

/** Referenced until this process ends, because garbage collection would close them. */
const locks: DatabaseSync[] = [];

/** SQLite locks its file through the operating system, which releases the lock when the process ends. */
const lock = (folder: string): void => {
  const database = new DatabaseSync(join(folder, 'lock'));
  try {
    // Nothing is ever written, so no journal file is needed.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!(error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy)) throw error;
    throw new StartError(
      `Another npm start uses ${folder}. Stop it first, or take another port: PORT=3100 npm start.`,
    );
  }
  locks.push(database);
};

/** SQLite, "Result and Error Codes", SQLITE_BUSY. */
const sqliteBusy = 5;

const existingCredentials = (folder: string): Credentials | undefined => {
  const path = join(folder, credentialsFile);
  try {
    return credentialsSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    throw new StartError(
      `${path} holds no valid credentials. Remove it; the next npm start creates new ones.`,
    );
  }
};

const createCredentials = (folder: string): Credentials => {
  const credentials = { accessKeyId: newAccessKeyId(), secretAccessKey: randomBytes(32).toString('hex') };
  const path = join(folder, credentialsFile);
  // Atomic, even when the disk is full or the process is killed.
  writeFileSync(`${path}.unfinished`, JSON.stringify(credentials), { mode: 0o600 });
  renameSync(`${path}.unfinished`, path);
  return credentials;
};

/** 20 characters, as in AWS. The prefix makes a leaked key easy to find. */
const newAccessKeyId = (): string => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return `LOCAL${Array.from(randomBytes(15), (byte) => letters[byte % letters.length]).join('')}`;
};

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
