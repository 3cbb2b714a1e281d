import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import type { LedgerCharge } from './charges.ts';
import { CommandError } from './command-error.ts';

type Row = Readonly<Record<string, string>>;

/** Names of the columns of a bill that are read, without spaces, case and punctuation. */
const names = {
  requestId: ['requestid', 'apirequestid', '请求id', '请求requestid'],
  action: ['action', 'api', 'apiname', 'interface', '接口', '接口名称'],
  count: ['count', 'times', 'usage', 'quantity', '次数', '用量'],
} as const;

/**
 * What a provider's bill and the ledger do not agree on. Calls are compared by their request id. Verifications that are
 * charged by attempts have no id of a charge: of those, the numbers of each action are compared. Throws `CommandError`.
 */
export async function compareBill(
  path: string,
  charges: readonly LedgerCharge[],
): Promise<readonly Row[]> {
  const bill = await readBill(path);
  const byId = new Map<string, LedgerCharge>();
  for (const charge of charges) if (charge.requestId !== null) byId.set(charge.requestId, charge);
  const billed = new Set(bill.flatMap(({ requestId }) => (requestId === '' ? [] : [requestId])));
  const onlyInBill = bill.flatMap(({ requestId, action, count }) => {
    const known = byId.get(requestId);
    if (requestId === '' || known?.billing === 'CHARGED') return [];
    // A call without an answer has no request id here. The bill is the only one to know that it was charged.
    const found = known ? `ledger_says_${known.billing}` : 'only_in_bill';
    return [toRow(found, known ?? null, { requestId, action, count })];
  });
  const onlyHere = charges
    .filter(({ requestId, billing, count }) => {
      const isByCall = requestId !== null && count === 1;
      return isByCall && billing === 'CHARGED' && !billed.has(requestId);
    })
    .map((charge) => toRow('only_in_ledger', charge, { count: 1 }));
  const withoutId = charges
    .filter(
      ({ requestId, billing, channel }) =>
        requestId === null && billing === 'UNKNOWN' && channel === '',
    )
    .map((charge) => toRow('unknown_without_request_id', charge, { count: charge.count }));
  return [...onlyInBill, ...onlyHere, ...withoutId, ...compareAttempts(bill, charges)];
}

function compareAttempts(
  bill: readonly Billed[],
  charges: readonly LedgerCharge[],
): readonly Row[] {
  const byAttempts = charges.filter(({ channel }) => channel !== '');
  const actions = new Set(byAttempts.map(({ action }) => action));
  return [...actions].flatMap((action) => {
    const here = byAttempts.filter((charge) => charge.action === action);
    const count = (billing: LedgerCharge['billing']): number =>
      here.reduce((sum, each) => sum + (each.billing === billing ? each.count : 0), 0);
    const billed = bill
      .filter((row) => row.action === action && row.requestId === '')
      .reduce((sum, row) => sum + row.count, 0);
    const [charged, unknown] = [count('CHARGED'), count('UNKNOWN')];
    const isPossible = billed >= charged && billed <= charged + unknown;
    if (isPossible) return [];
    const found = billed > charged ? 'more_attempts_in_bill' : 'fewer_attempts_in_bill';
    return [toRow(found, here[0] ?? null, { action, count: Math.abs(billed - charged) })];
  });
}

function toRow(
  found: string,
  charge: LedgerCharge | null,
  { requestId, action, count }: Partial<Billed> & Pick<Billed, 'count'>,
): Row {
  // Numbers of attempts belong to no single record.
  const isOne = found !== 'more_attempts_in_bill' && found !== 'fewer_attempts_in_bill';
  return {
    found,
    requestId: requestId ?? charge?.requestId ?? '',
    provider: charge?.providerId ?? '',
    action: charge?.action ?? action ?? '',
    record: isOne ? (charge?.recordId ?? '') : '',
    tenant: isOne ? (charge?.tenantId ?? '') : '',
    at: isOne ? (charge?.at ?? '') : '',
    count: String(count),
  };
}

interface Billed {
  readonly requestId: string;
  readonly action: string;
  readonly count: number;
}

async function readBill(path: string): Promise<readonly Billed[]> {
  const rows: Row[] = [];
  try {
    const parsed = createReadStream(path).pipe(parse({ columns: true, bom: true, trim: true }));
    for await (const row of parsed as AsyncIterable<Row>) rows.push(row);
  } catch {
    throw new CommandError('The bill must be a file with CSV.', 1);
  }
  const heads = Object.keys(rows[0] ?? {});
  const find = (known: readonly string[]): string | undefined =>
    heads.find((head) => known.includes(head.toLowerCase().replaceAll(/[\s_.()-]/gu, '')));
  const [id, action, count] = [find(names.requestId), find(names.action), find(names.count)];
  if (rows.length > 0 && id === undefined && (action === undefined || count === undefined)) {
    throw new CommandError(
      'The bill needs a column RequestId, or the columns Action and Count.',
      1,
    );
  }
  return rows.map((row) => ({
    requestId: (id && row[id]) ?? '',
    action: (action && row[action]) ?? '',
    count: count && row[count] ? toCount(row[count]) : 1,
  }));
}

function toCount(text: string): number {
  const count = Number(text.replaceAll(',', ''));
  if (!Number.isInteger(count))
    throw new CommandError('A count of the bill is no whole number.', 1);
  return count;
}
