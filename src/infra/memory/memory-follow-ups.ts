import type { FollowUpPlan } from '../follow-up-plan.ts';

const againAfterMs = 5000;

/** Follow-ups by timers of this process. A restart loses them, together with the memory store. */
export function createMemoryFollowUps({
  now,
  onError,
}: {
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}): FollowUpPlan {
  const timers = new Map<string, NodeJS.Timeout>();
  let visit: (id: string) => Promise<number | null> = async () => null;

  const planAt = (id: string, atMs: number): void => {
    const timer = setTimeout(() => void come(id), Math.max(0, atMs - now()));
    timer.unref();
    timers.set(id, timer);
  };
  const come = async (id: string): Promise<void> => {
    const nextMs = await visit(id).catch((error: unknown) => {
      onError(error);
      return now() + againAfterMs;
    });
    // Closed in the meantime.
    if (!timers.delete(id)) return;
    if (nextMs !== null) planAt(id, nextMs);
  };

  return {
    plan: async (id, atMs) => {
      if (!timers.has(id)) planAt(id, atMs);
    },
    bringForward: async (id, atMs) => {
      if (!timers.has(id)) return;
      clearTimeout(timers.get(id));
      planAt(id, atMs);
    },
    begin: (given) => {
      visit = given;
    },
    // A timer is not late by a minute.
    counts: async () => ({ planned: timers.size, late: 0 }),
    close: async () => {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
