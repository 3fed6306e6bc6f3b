import { open } from 'node:fs/promises';
import type { Stack } from '../stack.ts';

/** The most memory that one process may use, in MiB. */
export interface MemoryLimits {
  readonly decoderMiB: number;
  /** Of ingest, and of each worker without its decoders. */
  readonly processMiB: number;
}

/** Observes incidents in the processes while inputs are in progress. */
export interface Incidents {
  /** Checks once more, and stops. */
  stop(): Promise<void>;
  readonly decoderDeaths: number;
  /** Roles that used more memory than they may. */
  readonly overMemory: readonly string[];
}

const pauseMilliseconds = 500;
const decoderDied = '"decoder died"';

const limitOf = (role: string, { decoderMiB, processMiB }: MemoryLimits): number => {
  // The services represent AWS.
  if (role === 'services') return Number.POSITIVE_INFINITY;
  return role.endsWith('-decoder') ? decoderMiB : processMiB;
};

/** Observes the processes, so that each incident can be attributed to the inputs in progress. */
export const watchIncidents = (
  stack: Stack,
  limits: MemoryLimits,
  onIncident: (what: string) => void,
): Incidents => {
  const overMemory = new Set<string>();
  let deaths = 0;
  let decoderDeaths = 0;
  let readBytes = 0;
  let half = '';

  const look = async (): Promise<void> => {
    for (const { name, how } of stack.deaths().slice(deaths)) {
      deaths += 1;
      onIncident(`${name} died: ${how}`);
    }
    for (const [role, peakMiB] of Object.entries(stack.peaksMiB())) {
      if (peakMiB <= limitOf(role, limits) || overMemory.has(role)) continue;
      overMemory.add(role);
      onIncident(`${role} held ${Math.round(peakMiB)} MiB`);
    }
    const died = (await newLines()).filter((line) => line.includes(decoderDied));
    decoderDeaths += died.length;
    for (const line of died) onIncident(line);
  };

  const newLines = async (): Promise<readonly string[]> => {
    const file = await open(stack.logFile);
    try {
      const { size } = await file.stat();
      const { buffer } = await file.read(Buffer.alloc(size - readBytes), 0, size - readBytes, readBytes);
      readBytes = size;
      const lines = `${half}${buffer.toString('utf8')}`.split('\n');
      half = lines.pop() ?? '';
      return lines;
    } finally {
      await file.close();
    }
  };

  const stopping = new AbortController();
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
    }
    await look();
  })();

  return {
    get decoderDeaths() {
      return decoderDeaths;
    },
    get overMemory() {
      return [...overMemory];
    },
    stop: async () => {
      stopping.abort();
      await watching;
    },
  };
};
