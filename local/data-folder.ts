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

/** Who may use the services of one data folder, besides people with a presigned URL. */
export type Credentials = Readonly<z.output<typeof credentialsSchema>>;

export interface DataFolder {
  readonly path: string;
  readonly credentials: Credentials;
}

/** All data folders are in it. */
const root = '.local';

/** Where the state of the run at a port outlives the process, so that several runs can be side by side. */
export const dataFolderOf = (apiPort: number): string => join(root, String(apiPort));

const credentialsFile = 'credentials.json';

/**
 * Opens the data folder of a port for this process alone, and makes it if there is none. Nobody else on this machine may
 * read it, nor what this process and its children write from now on anywhere else, such as temporary files.
 *
 * @throws StartError when another process has it, or when it cannot be used
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
 * The credentials of what `npm start` runs.
 *
 * @param path the data folder
 * @throws StartError when nothing has run there
 */
export const readCredentials = (path: string): Credentials => {
  const credentials = existingCredentials(path);
  if (credentials !== undefined) return credentials;
  throw new StartError(
    `There are no credentials in ${path}. Run npm start first, with the same PORT if you set one.`,
  );
};

/** Also what an earlier version of this project left readable for others. */
const makePrivate = (folder: string): void => {
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    try {
      if (entry.isDirectory()) makePrivate(path);
      else if (entry.isFile()) chmodSync(path, 0o600);
    } catch (error) {
      // A run at another port may remove its files meanwhile.
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
};

/** Held until this process ends: garbage collection would close it. */
const locks: DatabaseSync[] = [];

/** SQLite locks its file through the operating system, which ends the lock with the process, however that ends. */
const lock = (folder: string): void => {
  const database = new DatabaseSync(join(folder, 'lock'));
  try {
    // Nothing is ever written: it needs no journal beside it.
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
    throw new StartError(`${path} holds no credentials. Remove it: the next npm start makes new ones.`);
  }
};

const createCredentials = (folder: string): Credentials => {
  const credentials = { accessKeyId: newAccessKeyId(), secretAccessKey: randomBytes(32).toString('hex') };
  const path = join(folder, credentialsFile);
  // Whole or not at all, also when the disk is full or the process is killed.
  writeFileSync(`${path}.unfinished`, JSON.stringify(credentials), { mode: 0o600 });
  renameSync(`${path}.unfinished`, path);
  return credentials;
};

/** 20 characters, as in AWS. The first ones make it easy to find where it should not be. */
const newAccessKeyId = (): string => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return `LOCAL${Array.from(randomBytes(15), (byte) => letters[byte % letters.length]).join('')}`;
};

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
