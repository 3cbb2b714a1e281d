import type { ActionEffect } from '../../contract/index.ts';
import type { ClaimStore, ClaimTicket, LedgerEntry } from '../../ports/index.ts';
import type { Swept } from './swept.ts';

interface Claim {
  state: 'claimed' | 'started' | 'unknown' | 'done';
  readonly fingerprint: string;
  readonly recordId: string;
  readonly owner: string;
  readonly fence: number;
  readonly effect: ActionEffect;
  /** End of the lease, of the time limit for the response, or of retention, depending on the state. */
  untilMs: number;
  /** When the claim is dropped, whatever its state. */
  forgetAtMs: number;
  /** The states that the ledger was told of. */
  readonly told: Set<string>;
}

export function memoryClaims({
  now,
  append,
}: {
  readonly now: () => number;
  readonly append: (entries: readonly LedgerEntry[] | undefined) => void;
}): Swept<ClaimStore> {
  const claims = new Map<string, Claim>();
  let fence = 0;

  function claimOf(key: string): Claim | undefined {
    const claim = claims.get(key);
    return claim && claim.forgetAtMs > now() ? claim : undefined;
  }

  function ownClaim(ticket: ClaimTicket): Claim | undefined {
    const claim = claimOf(ticket.key);
    return claim?.owner === ticket.owner && claim.fence === ticket.fence ? claim : undefined;
  }

  return {
    sweep: () => {
      for (const [key, claim] of claims) if (claim.forgetAtMs <= now()) claims.delete(key);
    },
    take: async ({ key, fingerprint, recordId, owner, effect, leaseMs }) => {
      const claim = claimOf(key);
      const isFree = !claim || (claim.state === 'claimed' && claim.untilMs <= now());
      if (isFree) {
        fence += 1;
        const untilMs = now() + leaseMs;
        claims.set(key, {
          state: 'claimed',
          fingerprint,
          recordId,
          owner,
          fence,
          effect,
          untilMs,
          forgetAtMs: untilMs,
          told: new Set(),
        });
        return { state: 'won', ticket: { key, owner, fence } };
      }
      if (claim.fingerprint !== fingerprint) return { state: 'mismatch' };
      if (claim.state === 'started' && claim.untilMs <= now()) {
        if (claim.effect === 'may_charge') {
          claim.state = 'unknown';
        } else {
          claims.delete(key);
          return { state: 'lapsed', recordId: claim.recordId };
        }
      }
      return { state: claim.state, recordId: claim.recordId };
    },

    start: async (ticket, { answerWithinMs, keepSeconds }, entries) => {
      const claim = ownClaim(ticket);
      if (claim?.state !== 'claimed' || claim.untilMs <= now()) return false;
      claim.state = 'started';
      claim.untilMs = now() + answerWithinMs;
      claim.forgetAtMs = now() + keepSeconds * 1000;
      append(entries);
      return true;
    },

    startAgain: async (ticket, { answerWithinMs, keepSeconds }, entries) => {
      const claim = ownClaim(ticket);
      if (claim?.state !== 'started' || claim.untilMs <= now()) return false;
      claim.untilMs = now() + answerWithinMs;
      claim.forgetAtMs = now() + keepSeconds * 1000;
      append(entries);
      return true;
    },

    settle: async (ticket, state, keepSeconds, entries) => {
      const claim = ownClaim(ticket);
      const tell = (to: Claim): void => {
        if (!to.told.has(state)) append(entries);
        if (entries) to.told.add(state);
      };
      if (claim?.state === state) {
        tell(claim);
        return true;
      }
      const isOpen = claim?.state === 'started' || claim?.state === 'unknown';
      if (!claim || !isOpen) return false;
      claim.state = state;
      claim.forgetAtMs = now() + keepSeconds * 1000;
      tell(claim);
      return true;
    },

    adopt: async (ticket, keepSeconds) => {
      const claim = ownClaim(ticket);
      if (claim?.state === 'done') return true;
      if (claim?.state !== 'claimed') return false;
      claim.state = 'done';
      claim.forgetAtMs = now() + keepSeconds * 1000;
      return true;
    },

    release: async (ticket, entries) => {
      const claim = ownClaim(ticket);
      if (!claim || claim.state === 'done') return false;
      claims.delete(ticket.key);
      append(entries);
      return true;
    },
  };
}
