import { heartbeatFile, isBeating } from './heartbeat.ts';

/**
 * The health check of a container: ends with 0 when its process works, whichever of the two it is. A worker keeps a
 * heartbeat; anything else is ingest, which answers. Only its own process is asked: what is wrong with something else
 * would be wrong with a new container as well.
 */
const ingestAnswers = async (): Promise<boolean> => {
  try {
    const { ok } = await fetch(`http://127.0.0.1:${process.env['PORT'] ?? 8080}/health`, {
      signal: AbortSignal.timeout(2500),
    });
    return ok;
  } catch {
    return false;
  }
};

const file = heartbeatFile();
const beats = file === undefined ? undefined : isBeating(file);
process.exit((beats ?? (await ingestAnswers())) ? 0 : 1);
