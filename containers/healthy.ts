import { heartbeatFile, isBeating } from './heartbeat.ts';

/**
 * The health check of a container: exits with 0 when the container's process works. A worker has a heartbeat;
 * without one it is ingest, which answers requests. Dependencies are not checked: a new container would have
 * the same problem.
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
