import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createHash } from 'node:crypto';

/** A pass whose fixed work took this much longer than the fastest one was disturbed. */
const mostSlowdown = 1.35;
/** Most of the machine that processes outside of the bench may use. */
const mostForeignShare = 0.15;

export interface Noise {
  /** The slowest pass of fixed work, as a multiple of the fastest. */
  readonly slowdown: number;
  /** Share of the machine that other processes used, 0 to 1. */
  readonly foreignShare: number;
  readonly isTooNoisy: boolean;
}

/** Watches how much the machine disturbs a bench. `ownCpuUs`: CPU time of all processes of the bench. */
export function watchNoise(ownCpuUs: () => number) {
  const startedMs = performance.now();
  const busyAtStart = busyUs();
  const ownAtStart = ownCpuUs();
  const passes: number[] = [];
  return {
    /** To be called between rounds. */
    probe: () => passes.push(fixedWorkUs()),
    end: (): Noise => {
      const availableUs = (performance.now() - startedMs) * 1000 * cpus().length;
      const foreignUs = busyUs() - busyAtStart - (ownCpuUs() - ownAtStart);
      const sorted = passes.toSorted((a, b) => a - b);
      // The slowest tenth is left out: one interrupt is no noisy machine.
      const slow = sorted[Math.floor((sorted.length - 1) * 0.9)] ?? 1;
      const slowdown = slow / (sorted[0] ?? slow);
      const foreignShare = Math.max(0, foreignUs / availableUs);
      return {
        slowdown,
        foreignShare,
        isTooNoisy: slowdown > mostSlowdown || foreignShare > mostForeignShare,
      };
    },
  };
}

/** CPU time that the same hashing takes: more of it on a core that is shared or slowed down. */
function fixedWorkUs(): number {
  const before = process.cpuUsage();
  for (let at = 0; at < 20_000; at++) createHash('sha256').update(String(at)).digest();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function busyUs(): number {
  const [, ...fields] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/u);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields.map(Number);
  // Clock ticks of 10 ms.
  return (user + nice + system + irq + softirq + steal) * 10_000;
}
