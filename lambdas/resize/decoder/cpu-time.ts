import { readFileSync } from 'node:fs';

/**
 * CPU time of a process so far, on Linux (proc(5), /proc/pid/stat: fields 14 and 15, in ticks of 10 ms);
 * elsewhere 0.
 */
export const cpuMillisecondsOf = (pid: number | undefined): number => {
  if (process.platform !== 'linux' || pid === undefined) return 0;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
};
