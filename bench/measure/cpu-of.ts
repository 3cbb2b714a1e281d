import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of all threads of a process in µs, by the scheduler's accounting (proc(5), schedstat). */
export function cpuOf(pid: number): number {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      const [running = '0'] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(
        ' ',
      );
      nanoseconds += Number(running);
    } catch {
      // A thread that ended since the folder was read.
    }
  }
  return nanoseconds / 1000;
}

/** Resident memory of a process in MB. */
export function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/mu.exec(status)?.[1] ?? 0) / 1024;
}
