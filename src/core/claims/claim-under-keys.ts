import type { ActionEffect } from '../../contract/index.ts';
import type {
  ClaimStore,
  ClaimTaken,
  ClaimTicket,
  ClaimTimes,
  LedgerEntry,
} from '../../ports/index.ts';
import type { ClaimNames } from './claim-names.ts';

/** Proof of a claim that was won under every listed key. */
export type ClaimTickets = readonly ClaimTicket[];

export type TakenUnderKeys =
  | { readonly state: 'won'; readonly tickets: ClaimTickets }
  | Exclude<ClaimTaken, { readonly state: 'won' }>;

/** If the hash keys give different states, the highest one counts. */
const strength = {
  won: 0,
  lapsed: 1,
  claimed: 2,
  started: 3,
  unknown: 4,
  done: 5,
  mismatch: 6,
} as const satisfies Record<ClaimTaken['state'], number>;

/**
 * A claim under every listed hash key. During a key rotation, replicas with the old list and replicas with
 * the new list run side by side, and each replica that knows one of the keys finds the claim.
 *
 * The keys are taken in the order of their kids, so that of two concurrent requests the same one is first
 * under every key.
 */
export function claimUnderKeys(claims: ClaimStore, names: ClaimNames) {
  /**
   * Runs a step under all keys in parallel. The entries of the ledger go along with the first. Throws if the store did not
   * respond for one of them.
   */
  const each = async (
    tickets: ClaimTickets,
    step: (ticket: ClaimTicket, entries?: readonly LedgerEntry[]) => Promise<boolean>,
    entries?: readonly LedgerEntry[],
  ): Promise<boolean> => {
    const done = tickets.map((ticket, at) => step(ticket, at === 0 ? entries : undefined));
    return (await Promise.all(done)).every(Boolean);
  };

  return {
    take: async (claim: {
      readonly recordId: string;
      readonly owner: string;
      readonly effect: ActionEffect;
      readonly leaseMs: number;
    }): Promise<TakenUnderKeys> => {
      const tickets: ClaimTicket[] = [];
      let strongest: ClaimTaken | null = null;
      try {
        for (const name of names) {
          const taken = await claims.take({ ...claim, ...name });
          if (taken.state === 'won') tickets.push(taken.ticket);
          if (!strongest || strength[taken.state] > strength[strongest.state]) strongest = taken;
        }
      } catch (error) {
        // Best effort. If it fails, the next request waits until the lease expires.
        await each(tickets, (ticket) => claims.release(ticket)).catch(() => false);
        throw error;
      }
      if (!strongest || strongest.state === 'won') return { state: 'won', tickets };
      // A claim counts as won only if it was won under every key.
      await each(tickets, (ticket) => claims.release(ticket));
      return strongest;
    },

    /** True only if it is confirmed under every key. Nothing may be sent before that. */
    start: (tickets: ClaimTickets, times: ClaimTimes, entries?: readonly LedgerEntry[]) =>
      each(tickets, (ticket, told) => claims.start(ticket, times, told), entries),
    startAgain: (tickets: ClaimTickets, times: ClaimTimes, entries?: readonly LedgerEntry[]) =>
      each(tickets, (ticket, told) => claims.startAgain(ticket, times, told), entries),
    settle: (
      tickets: ClaimTickets,
      state: 'done' | 'unknown',
      keepSeconds: number,
      entries?: readonly LedgerEntry[],
    ) => each(tickets, (ticket, told) => claims.settle(ticket, state, keepSeconds, told), entries),
    adopt: (tickets: ClaimTickets, keepSeconds: number) =>
      each(tickets, (ticket) => claims.adopt(ticket, keepSeconds)),
    release: (tickets: ClaimTickets, entries?: readonly LedgerEntry[]) =>
      each(tickets, claims.release, entries),
  };
}

export type ClaimUnderKeys = ReturnType<typeof claimUnderKeys>;
