import type { LedgerEntry } from '../../ports/index.ts';
import type { AnyRecord } from '../records/records.ts';
import { chargeBegunEntry, chargeEntries, type Charge, type LedgerDeps } from './ledger-entries.ts';

/** Tells the ledger what the calls of one claim cost. */
export interface ChargeTeller {
  /** Entries for the step before a call that may charge. Nothing, if this attempt has told it before. */
  readonly begin: (
    attempt: Pick<Charge, 'providerId' | 'account' | 'action'>,
  ) => readonly LedgerEntry[];
  readonly charged: (charge: Charge) => void;
  /** The attempt is over, and another provider is next. */
  readonly passOver: () => void;
  /** Entries for the step that settles the claim. */
  readonly end: () => readonly LedgerEntry[];
}

/**
 * The price of a call is known after the call, and a process may end in between. So the ledger first learns that a call is
 * about to be sent. If no entry follows, the price is unknown.
 */
export function tellCharges(deps: LedgerDeps, record: AnyRecord): ChargeTeller {
  /** Of earlier attempts. */
  let owed: readonly LedgerEntry[] = [];
  let charges: Charge[] = [];
  let isBegun = false;
  const ofAttempt = (): readonly LedgerEntry[] =>
    isBegun ? chargeEntries(deps, record, charges) : [];

  return {
    begin: (attempt) => {
      if (isBegun) return [];
      isBegun = true;
      const entries = [...owed, chargeBegunEntry(deps, record, attempt)];
      owed = [];
      return entries;
    },
    charged: (charge) => {
      charges.push(charge);
    },
    passOver: () => {
      owed = [...owed, ...ofAttempt()];
      [charges, isBegun] = [[], false];
    },
    end: () => [...owed, ...ofAttempt()],
  };
}
