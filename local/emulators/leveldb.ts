import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { setTimeout as wait } from 'node:timers/promises';
import type { Disk } from './disk.ts';

/** What is used of the class whose instance dynalite keeps its items in. */
interface LevelDB {
  readonly location: string;
  open(): Promise<void>;
  close(): Promise<void>;
  get(...args: readonly unknown[]): Promise<unknown>;
  put(...args: readonly unknown[]): Promise<unknown>;
  del(...args: readonly unknown[]): Promise<unknown>;
  batch(...args: readonly unknown[]): Promise<unknown>;
}

/** dynalite answers an error of this form; any other one ends the process. */
const unavailable = (): Error =>
  Object.assign(new Error('The items cannot be written.'), {
    statusCode: 500,
    body: {
      __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError',
      message: 'The items cannot be written: the disk is full.',
    },
  });

/** To be called once dynalite has made its server. */
export type KeepServing = (server: Server) => void;

/**
 * Lets dynalite go on when its database cannot write. A LevelDB that failed to append to its log must not append to it any
 * more: what follows a torn record is lost at the next start. So from then on all writes are refused, and reads go on, until
 * there is room and the database has been opened again, which begins a new log. To be called before dynalite opens it.
 */
export const surviveFailedWrites = (directory: string, disk: Disk): KeepServing => {
  // The very module that dynalite uses. It gives its database to nobody.
  const { resolve } = createRequire(import.meta.url);
  const { Level }: { readonly Level: { readonly prototype: LevelDB } } = createRequire(resolve('dynalite'))(
    'level',
  );
  const { get, put, del, batch, close } = Level.prototype;
  let database: LevelDB | undefined;
  let isOpen = true;
  let hasFailed = false;
  let requests = 0;
  /** While the database is closed and opened. */
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
        disk.failed(error);
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
    // dynalite's own would count it as closed for good.
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

  return (server) => {
    const listeners = server.listeners('request');
    server.removeAllListeners('request');
    server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
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
      for (const listener of listeners) listener.call(server, request, response);
    });
  };
};
