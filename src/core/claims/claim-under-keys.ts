import type { ActionEffect } from '../../contract/index.ts';
import type { ClaimStore, ClaimTaken, ClaimTicket, ClaimTimes } from '../../ports/index.ts';
import type { ClaimNames } from './claim-names.ts';

/** Proof of a claim that was won under every listed key. */
export type ClaimTickets = readonly ClaimTicket[];

export type TakenUnderKeys =
  | { readonly state: 'won'; readonly tickets: ClaimTickets }
  | Exclude<ClaimTaken, { readonly state: 'won' }>;

/** What counts where keys disagree: what was found out beats what is being worked on. */
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
 * A claim under every hash key that is listed, so that keys can be rotated while replicas with the
 * old list and the new one work side by side: whoever knows one of the keys finds the claim.
 *
 * Taken in the order of kids, so that of two who want it one is first under every key.
 */
export function claimUnderKeys(claims: ClaimStore, names: ClaimNames) {
  /** At once: the claim is held under every key already. Throws when one of them was not answered. */
  const each = async (
    tickets: ClaimTickets,
    step: (ticket: ClaimTicket) => Promise<boolean>,
  ): Promise<boolean> => (await Promise.all(tickets.map(step))).every(Boolean);

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
        // Best effort: else the next one waits until the lease is over.
        await each(tickets, claims.release).catch(() => false);
        throw error;
      }
      if (!strongest || strongest.state === 'won') return { state: 'won', tickets };
      // Not ours under one key is not ours at all.
      await each(tickets, claims.release);
      return strongest;
    },

    /** True only when it is confirmed under every key: before that no byte may leave. */
    start: (tickets: ClaimTickets, times: ClaimTimes) =>
      each(tickets, (ticket) => claims.start(ticket, times)),
    startAgain: (tickets: ClaimTickets, times: ClaimTimes) =>
      each(tickets, (ticket) => claims.startAgain(ticket, times)),
    settle: (tickets: ClaimTickets, state: 'done' | 'unknown', keepSeconds: number) =>
      each(tickets, (ticket) => claims.settle(ticket, state, keepSeconds)),
    adopt: (tickets: ClaimTickets, keepSeconds: number) =>
      each(tickets, (ticket) => claims.adopt(ticket, keepSeconds)),
    release: (tickets: ClaimTickets) => each(tickets, claims.release),
  };
}

export type ClaimUnderKeys = ReturnType<typeof claimUnderKeys>;
