import { parseArgs } from 'node:util';
import { readCalls, type CallLines } from '../core/records/recorded-call.ts';
import {
  decodeRecord,
  kindOf,
  type BankCardRecord,
  type VerificationRecord,
} from '../core/records/records.ts';
import type { LedgerLine } from '../infra/redis/read-redis-ledger.ts';
import { readMode } from './audit.ts';
import { openStore } from './open-store.ts';
import { CommandError, wrongUsage } from './command-error.ts';

/** One moment in the life of a record. */
interface Moment {
  readonly atMs: number;
  readonly text: string;
}

/**
 * The timeline of a record. It reads the part without personal data only: neither user nor subject, and neither code
 * nor reason of an outcome. Throws `CommandError`, `BootError` and `StoreUnavailable`.
 */
export async function* inspect(
  env: Readonly<Record<string, string | undefined>>,
  parameters: readonly string[],
): AsyncIterable<string> {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    options: { mode: { type: 'string' } },
    allowPositionals: true,
  });
  const [id] = positionals;
  if (id === undefined || positionals.length > 1) throw wrongUsage('give one id');
  const store = await openStore(env, readMode(values.mode));
  try {
    const [stored] = await store.records.get([id]);
    if (!stored) throw new CommandError(`There is no such record in ${store.mode}.`, 1);
    // The personal part stays closed.
    const { version, body } = stored;
    const known = { id, version, body, personal: null };
    const entries: LedgerLine[] = [];
    for await (const line of store.ledger(0, Number.MAX_SAFE_INTEGER)) {
      if (line['recordId'] === id) entries.push(line);
    }
    const kind = kindOf(stored);
    if (kind === 'reused') {
      const { verificationId, tenantId } = decodeRecord('reused', known);
      yield `${id}: reused the launch of ${verificationId}, tenant ${tenantId}`;
    } else if (kind === 'verification') {
      yield* describeVerification(decodeRecord('verification', known), entries);
    } else {
      yield* describeCheck(decodeRecord('bank_card', known), entries);
    }
  } finally {
    store.close();
  }
}

function* describeVerification(
  record: VerificationRecord,
  entries: readonly LedgerLine[],
): Iterable<string> {
  const { id, tenantId, providerId, channel, status, sandbox, outcome, flowId } = record;
  yield `${id}: verification, ${status}${sandbox ? ', sandbox' : ''}`;
  yield `tenant ${tenantId}, provider ${providerId}, channel ${channel}, checks ${record.checks.join(' ')}`;
  if (flowId !== null) yield `flow of the provider ${flowId}`;
  if (record.consentRef !== null) yield `consent ${record.consentRef}`;
  if (outcome) {
    const { billing, chargedAttempts, evidence } = outcome;
    yield `billing ${billing}, charged attempts ${chargedAttempts ?? 'unknown'}, evidence ${evidence ?? 'none'}`;
  }
  yield* timeline(record.calls, entries, [
    [record.createdAtMs, 'asked for'],
    [record.startedAtMs, 'started'],
    [record.lastAskedAtMs, 'provider asked for the last time'],
    [record.lastCheckedAtMs, 'provider told something for the last time'],
    [record.expiresAtMs, 'launch expires'],
    [outcome?.completedAtMs ?? null, 'completed, by the provider’s clock'],
    [record.redactedAtMs, 'redacted'],
    [record.personalUntilMs, 'personal part expires'],
  ]);
}

function* describeCheck(record: BankCardRecord, entries: readonly LedgerLine[]): Iterable<string> {
  const { id, tenantId, providerId, sandbox, result, sourceCheckId } = record;
  yield `${id}: bank card check, ${result?.outcome ?? 'not answered'}${sandbox ? ', sandbox' : ''}`;
  yield `tenant ${tenantId}, provider ${providerId}, elements ${record.checkedElements.join(' ')}`;
  if (record.consentRef !== null) yield `consent ${record.consentRef}`;
  if (result) yield `billing ${result.billing}`;
  if (sourceCheckId !== null) yield `result of ${sourceCheckId}`;
  yield* timeline(record.calls, entries, [
    [record.createdAtMs, 'asked for'],
    [record.checkedAtMs, 'checked'],
    [record.redactedAtMs, 'redacted'],
    [record.personalUntilMs, 'personal part expires'],
  ]);
}

function* timeline(
  calls: CallLines,
  entries: readonly LedgerLine[],
  known: readonly (readonly [number | null, string])[],
): Iterable<string> {
  const moments: Moment[] = [
    ...known.flatMap(([atMs, text]) => (atMs === null ? [] : [{ atMs, text }])),
    ...readCalls(calls).map(({ atMs, action, outcome, billing, requestId }) => ({
      atMs,
      text: `call ${action}: ${outcome}, ${billing}, request ${requestId ?? 'without id'}`,
    })),
    ...entries.map(({ at, kind = 'entry' }) => ({
      atMs: Date.parse(at ?? ''),
      text: `ledger: ${kind}`,
    })),
  ];
  yield '';
  for (const { atMs, text } of moments.toSorted((a, b) => a.atMs - b.atMs)) {
    yield `${new Date(atMs).toISOString()}  ${text}`;
  }
}
