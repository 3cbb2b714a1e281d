import type { BankCardInput, BankCardOutcome } from '../../contract/index.ts';
import type { Owner } from '../callers/caller.ts';
import { modeOf, type Clock, type KeySpace, type Storage, type Tenancy } from '../core-deps.ts';
import { checkedElements } from './checked-elements.ts';
import { keyedHashes } from '../records/keyed-hash.ts';
import { decodeRecord, type BankCardRecord } from '../records/records.ts';
import type { RegisteredProvider } from '../upstream/registry.ts';

/**
 * How long a result is cached. `as_set`: as the setting says. `until_midnight`: until the provider's day ends,
 * at midnight in Shanghai.
 */
const lifetimes = {
  MATCHED: 'as_set',
  MISMATCHED: 'as_set',
  CARD_UNUSABLE: 'as_set',
  INPUT_REFUSED: 'as_set',
  NOT_PERFORMED: 'until_midnight',
  UNDETERMINED: 'never',
} as const satisfies Record<BankCardOutcome, 'as_set' | 'until_midnight' | 'never'>;

const dayMs = 24 * 3600 * 1000;
const shanghaiOffsetMs = 8 * 3600 * 1000;

export interface BankCardCache {
  /** One for each listed hash key. */
  readonly keys: readonly [string, ...string[]];
  /** An earlier check, if it is the same user's and young enough. */
  readonly find: (maxAgeSeconds: number | null) => Promise<BankCardRecord | null>;
  readonly put: (check: BankCardRecord) => Promise<void>;
}

/**
 * The cache of results for the same elements, the same user and the same account. Name and numbers are
 * only in the keyed hash of the cache key. The cached check does not contain them.
 */
export function bankCardCache(
  { store, hashKeys, sandbox, now, tenants }: Clock & KeySpace & Storage & Tenancy,
  { definition, account }: RegisteredProvider,
  { tenantId, userId }: Pick<Owner, 'tenantId' | 'userId'>,
  { subject, cardNumber, phone, certType }: BankCardInput,
): BankCardCache {
  const keys = keyedHashes(hashKeys, 'bank card', [
    ...[modeOf({ sandbox }), tenantId, userId, definition.id, account],
    ...[subject.name ?? '', subject.idNumber ?? '', cardNumber, phone ?? '', String(certType)],
    checkedElements({ subject, phone }).join(','),
  ]);

  return {
    keys,
    find: async (maxAgeSeconds) => {
      const body = maxAgeSeconds === 0 ? null : await firstOf(store, keys);
      if (body === null) return null;
      const check = readCheck(body);
      const ageMs = now() - (check.checkedAtMs ?? 0);
      const isYoung = maxAgeSeconds === null || ageMs <= maxAgeSeconds * 1000;
      const isTheirs = check.tenantId === tenantId && check.userId === userId;
      return isYoung && isTheirs ? check : null;
    },
    put: async (check) => {
      const keepMs = lifetimeOf(check, now(), tenants.rulesOf(tenantId).bankCardCacheSeconds);
      if (keepMs <= 0) return;
      for (const key of keys) await store.cache.set(key, JSON.stringify(check), keepMs / 1000);
    },
  };
}

async function firstOf({ cache }: Storage['store'], keys: readonly string[]) {
  for (const key of keys) {
    const body = await cache.get(key);
    if (body !== null) return body;
  }
  return null;
}

function readCheck(body: string): BankCardRecord {
  const { id } = JSON.parse(body) as { readonly id: string };
  return decodeRecord('bank_card', { id, body, personal: null });
}

function lifetimeOf({ result }: BankCardRecord, nowMs: number, seconds: number): number {
  switch (lifetimes[result?.outcome ?? 'UNDETERMINED']) {
    case 'as_set':
      return seconds * 1000;
    case 'until_midnight':
      return dayMs - ((nowMs + shanghaiOffsetMs) % dayMs);
    case 'never':
      return 0;
  }
}
