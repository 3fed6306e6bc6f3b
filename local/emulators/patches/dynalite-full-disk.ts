/**
 * Patches: the LevelDB database in which dynalite keeps its items, and dynalite's server.
 * Why: a failed write ends the process. Nor may LevelDB write on after one: a later start drops all records
 * that follow a torn one. So all writes are refused, but not reads, until there is room and the database has
 * been opened again, which begins a new log.
 * Restores: DynamoDB never loses an item that it has accepted; a request that fails gets an error.
 * Upstream issue: https://github.com/google/leveldb/issues/924; none found for dynalite.
 */
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import { setTimeout as wait } from 'node:timers/promises';
import type { Disk } from '../disk.ts';
import { interceptRequests } from '../intercept.ts';

/** The parts of the database class that are used here. */
interface LevelDB {
  readonly location: string;
  open(): Promise<void>;
  close(): Promise<void>;
  get(...args: readonly unknown[]): Promise<unknown>;
  put(...args: readonly unknown[]): Promise<unknown>;
  del(...args: readonly unknown[]): Promise<unknown>;
  batch(...args: readonly unknown[]): Promise<unknown>;
}

/** dynalite returns an error of this form to the client; any other one ends the process. */
const unavailable = (): Error =>
  Object.assign(new Error('The items cannot be written.'), {
    statusCode: 500,
    body: {
      __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError',
      message: 'The items cannot be written: the disk is full.',
    },
  });

/**
 * Call this before dynalite opens the database in `directory`.
 *
 * @returns a function to call with dynalite's server
 */
export const surviveFailedWrites = (directory: string, disk: Disk): ((server: Server) => void) => {
  // dynalite does not export its database, so the class is patched in the very module that dynalite loads.
  const { resolve } = createRequire(import.meta.url);
  const { Level }: { readonly Level: { readonly prototype: LevelDB } } = createRequire(resolve('dynalite'))(
    'level',
  );
  const { get, put, del, batch, close } = Level.prototype;
  let database: LevelDB | undefined;
  let isOpen = true;
  let hasFailed = false;
  let requests = 0;
  /** Pending while the database is closed and opened again. */
  let reopening: Promise<void> | undefined;

  const writing = (write: LevelDB['put']) =>
    async function (this: LevelDB, ...args: readonly unknown[]): Promise<unknown> {
      if (this.location !== directory) return write.apply(this, [...args]);
      database = this;
      if (hasFailed) throw unavailable();
      try {
        return await write.apply(this, [...args]);
      } catch (error) {
        hasFailed = true;
        disk.reportFailedWrite(error);
        throw unavailable();
      }
    };
  Object.assign(Level.prototype, {
    put: writing(put),
    del: writing(del),
    batch: writing(batch),
    async get(this: LevelDB, ...args: readonly unknown[]): Promise<unknown> {
      if (this.location === directory && !isOpen) throw unavailable();
      return get.apply(this, [...args]);
    },
  });

  const reopen = async (): Promise<void> => {
    if (!hasFailed || database === undefined) return;
    while (requests > 0) await wait(10);
    isOpen = false;
    // The close method of dynalite's subclass would mark the database as closed for good.
    await close.call(database);
    await database.open();
    isOpen = true;
    hasFailed = false;
  };
  disk.onRoom(async () => {
    reopening = reopen();
    try {
      await reopening;
    } finally {
      reopening = undefined;
    }
  });

  return (server) =>
    interceptRequests(server, async (_request, response, next) => {
      await reopening?.catch(() => {});
      if (!isOpen) {
        response.writeHead(500, { 'Content-Type': 'application/x-amz-json-1.0' });
        response.end(
          '{"__type":"InternalServerError","message":"The items cannot be read: the disk is full."}',
        );
        return;
      }
      requests += 1;
      response.once('close', () => {
        requests -= 1;
      });
      next();
    });
};
