/** A call that waits. */
export interface Waiting {
  /** 0 is the most urgent. */
  readonly priority: number;
  readonly tenant: string;
  /** The share of its tenant, relative to others. */
  readonly weight: number;
}

/** Those who wait, in the order of their turns. */
export interface FairOrder<Call extends Waiting> {
  readonly size: () => number;
  readonly add: (call: Call) => void;
  /** False if it does not wait. */
  readonly remove: (call: Call) => boolean;
  /** The next one of those that fit, which stays. */
  readonly next: (fits?: (call: Call) => boolean) => Call | undefined;
  /**
   * Makes room for another call: removes the last call of the tenant that has most of them for its weight, if that is not
   * the tenant of the other one, and no call that is more urgent. Undefined if there is none.
   */
  readonly lastOfMost: (other: Call) => Call | undefined;
  /** The next one of those that fit, which has its turn. */
  readonly take: (fits?: (call: Call) => boolean) => Call | undefined;
}

/**
 * The most urgent priority comes first. Within a priority tenants have turns by weight, and of one tenant the call that came
 * first is next. This is start-time fair queueing (Goyal, Vin, Cheng 1996) with calls of equal length: a tenant that
 * asked for little is not behind the calls of one that asked for much, and a tenant that was idle saves nothing up.
 */
export function createFairOrder<Call extends Waiting>(): FairOrder<Call> {
  const queues = new Map<string, { readonly calls: Call[] }>();
  /** When the next call of a tenant would begin, in virtual time. */
  const startOf = new Map<string, number>();
  let virtualTime = 0;
  let count = 0;

  const keyOf = ({ priority, tenant }: Waiting): string => `${priority} ${tenant}`;
  const startFor = (tenant: string): number => Math.max(virtualTime, startOf.get(tenant) ?? 0);

  const next = (fits: (call: Call) => boolean = () => true): Call | undefined => {
    let best: Call | undefined;
    for (const { calls } of queues.values()) {
      const call = calls.find(fits);
      if (call && (!best || isBefore(call, best))) best = call;
    }
    return best;
  };

  const isBefore = (one: Call, other: Call): boolean =>
    one.priority === other.priority
      ? startFor(one.tenant) < startFor(other.tenant)
      : one.priority < other.priority;

  const remove = (call: Call): boolean => {
    const key = keyOf(call);
    const calls = queues.get(key)?.calls ?? [];
    const at = calls.indexOf(call);
    if (at < 0) return false;
    calls.splice(at, 1);
    count -= 1;
    if (calls.length === 0) queues.delete(key);
    return true;
  };

  /** How many calls of a tenant wait, for its weight. */
  const shareOf = ({ tenant, weight }: Waiting): number => {
    let calls = 0;
    for (const [key, queue] of queues) {
      if (key.slice(key.indexOf(' ') + 1) === tenant) calls += queue.calls.length;
    }
    return calls / weight;
  };

  return {
    size: () => count,
    add: (call) => {
      const key = keyOf(call);
      const queue = queues.get(key) ?? { calls: [] };
      queues.set(key, queue);
      queue.calls.push(call);
      count += 1;
    },
    remove,
    next,
    lastOfMost: (other) => {
      let [victim, most] = [undefined as Call | undefined, shareOf(other) + 1 / other.weight];
      for (const { calls } of queues.values()) {
        const last = calls.at(-1);
        if (!last || last.priority < other.priority || last.tenant === other.tenant) continue;
        if (shareOf(last) > most) [victim, most] = [last, shareOf(last)];
      }
      if (victim) remove(victim);
      return victim;
    },
    take: (fits) => {
      const call = next(fits);
      if (!call) return undefined;
      remove(call);
      virtualTime = startFor(call.tenant);
      startOf.set(call.tenant, virtualTime + 1 / call.weight);
      // A tenant whose turn is not in the future is as good as one that is not known.
      for (const [tenant, start] of startOf) if (start <= virtualTime) startOf.delete(tenant);
      return call;
    },
  };
}
