import type { Billing } from '../contract/index.ts';

type Texts = Readonly<Record<string, string>>;

/** What one call, or one verification, has cost as far as the ledger knows. */
export interface LedgerCharge {
  readonly tenantId: string;
  readonly providerId: string;
  readonly account: string;
  readonly jurisdiction: string;
  readonly channel: string;
  readonly action: string;
  readonly recordId: string;
  /** When the call was sent, or the verification ended: ISO 8601. */
  readonly at: string;
  readonly billing: Billing;
  /** How often it was charged, or may have been. */
  readonly count: number;
  /** The provider's id of the call; null for a verification that is charged by its attempts. */
  readonly requestId: string | null;
}

const kinds = [
  ...['charge_begun', 'charge', 'charge_dropped', 'revoked'],
  ...['ended', 'cancelled', 'outcome_after_cancel'],
];

/** Whether `toCharges` needs the entry. */
export function isAboutMoney({ kind = '' }: Texts): boolean {
  return kinds.includes(kind);
}

/**
 * What entries of the ledger, oldest first, say about money. A call that was about to be sent and of which nothing else is
 * known may have been charged. A cancelled verification may have been charged until its outcome is known.
 */
export function toCharges(lines: readonly Texts[]): readonly LedgerCharge[] {
  const told = withoutRepeated(withoutRevoked(lines));
  const open = openCalls(told);
  const learnt = recordsWith(told, ['outcome_after_cancel']);
  const outcomes = billingOfOutcomes(told);
  return told.flatMap((line) => {
    const { kind = '', recordId = '' } = line;
    switch (kind) {
      case 'charge': {
        const billing = toBilling(line);
        // The outcome may tell what the call did not.
        const known = billing === 'UNKNOWN' ? (outcomes.get(recordId) ?? billing) : billing;
        return [toCharge(line, known, 1)];
      }
      case 'charge_begun':
        return open.has(line) ? [toCharge(line, 'UNKNOWN', 1)] : [];
      case 'cancelled':
        return learnt.has(recordId) || isByCall(line) ? [] : [ofAttempts(line)];
      case 'ended':
      case 'outcome_after_cancel':
        return isByCall(line) ? [] : [ofAttempts(line)];
      default:
        return [];
    }
  });
}

/** Calls that were about to be sent, and did not end before the process. What ends one ends those before it too. */
function openCalls(lines: readonly Texts[]): ReadonlySet<Texts> {
  const open = new Map<string, readonly Texts[]>();
  for (const line of lines) {
    const { kind, recordId = '' } = line;
    if (kind === 'charge_begun') open.set(recordId, [...(open.get(recordId) ?? []), line]);
    if (kind === 'charge' || kind === 'charge_dropped') open.delete(recordId);
  }
  return new Set([...open.values()].flat());
}

/** Of verifications whose calls are charged, if their outcome says whether they were. */
function billingOfOutcomes(lines: readonly Texts[]): ReadonlyMap<string, Billing> {
  const ended = lines.filter(
    (line) =>
      isByCall(line) && (line['kind'] === 'ended' || line['kind'] === 'outcome_after_cancel'),
  );
  return new Map(ended.map((line) => [line['recordId'] ?? '', toBilling(line)]));
}

function ofAttempts(line: Texts): LedgerCharge {
  const billing = toBilling(line);
  const attempts = line['chargedAttempts'];
  if (attempts === undefined) return toCharge(line, billing, 1);
  const count = Number(attempts);
  return toCharge(line, count > 0 ? 'CHARGED' : billing, Math.max(1, count));
}

function toCharge(line: Texts, billing: Billing, count: number): LedgerCharge {
  return {
    tenantId: line['tenantId'] ?? '',
    providerId: line['providerId'] ?? '',
    account: line['account'] ?? '',
    jurisdiction: line['jurisdiction'] ?? '',
    channel: line['channel'] ?? '',
    action: line['action'] ?? '',
    recordId: line['recordId'] ?? '',
    at: line['at'] ?? '',
    ...{ billing, count },
    requestId: line['providerRequestId'] ?? null,
  };
}

function isByCall({ chargedBy }: Texts): boolean {
  return chargedBy === 'call';
}

function toBilling({ billing }: Texts): Billing {
  return billing === 'CHARGED' || billing === 'NOT_CHARGED' ? billing : 'UNKNOWN';
}

function recordsWith(lines: readonly Texts[], wanted: readonly string[]): ReadonlySet<string> {
  const found = lines.filter(({ kind = '' }) => wanted.includes(kind));
  return new Set(found.map(({ recordId = '' }) => recordId));
}

/** If only the reply of Redis was lost, a cluster may hold an entry twice. */
function withoutRepeated(lines: readonly Texts[]): readonly Texts[] {
  const seen = new Set<string>();
  return lines.filter(({ entry: _entry, seq: _seq, chain: _chain, ...content }) => {
    const text = JSON.stringify(content);
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}

/** Each `revoked` takes back the newest entry before it of its record and kind. */
export function withoutRevoked(lines: readonly Texts[]): readonly Texts[] {
  if (!lines.some(({ kind }) => kind === 'revoked')) return lines;
  const kept: (Texts | null)[] = [...lines];
  for (const [at, { kind, recordId, of }] of lines.entries()) {
    if (kind !== 'revoked') continue;
    const place = kept.findLastIndex(
      (line, earlier) => earlier < at && line?.['recordId'] === recordId && line?.['kind'] === of,
    );
    if (place >= 0) kept[place] = null;
  }
  return kept.filter((line) => line !== null);
}
