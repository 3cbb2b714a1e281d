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
 * What a provider's bill and the ledger do not agree on. Calls are compared by their request id. Actions that the bill only
 * counts, and verifications that are charged by attempts, are compared by their numbers. Throws `CommandError`.
 */
export async function compareBill(
  path: string,
  charges: readonly LedgerCharge[],
): Promise<readonly Row[]> {
  const bill = await readBill(path);
  const [withId, counted] = [
    bill.filter(({ requestId }) => requestId !== ''),
    bill.filter(({ requestId }) => requestId === ''),
  ];
  const countedActions = new Set(counted.map(({ action }) => action));
  const byId = charges.filter(
    ({ channel, action }) => channel === '' && !countedActions.has(action),
  );
  const byNumber = charges.filter((charge) => !byId.includes(charge));
  return [...compareIds(withId, byId, charges), ...compareNumbers(counted, byNumber)];
}

function compareIds(
  bill: readonly Billed[],
  charges: readonly LedgerCharge[],
  all: readonly LedgerCharge[],
): readonly Row[] {
  const known = new Map<string, LedgerCharge>();
  for (const charge of all) if (charge.requestId !== null) known.set(charge.requestId, charge);
  const billed = new Map<string, Billed>();
  for (const row of bill) {
    const count = row.count + (billed.get(row.requestId)?.count ?? 0);
    billed.set(row.requestId, { ...row, count });
  }
  const ofBill = [...billed.values()].flatMap((row) => {
    const charge = known.get(row.requestId);
    // A call without an answer has no request id here. The bill is the only one to know that it was charged.
    if (!charge) return [toRow('only_in_bill', row)];
    if (charge.billing !== 'CHARGED') return [toRow(`ledger_says_${charge.billing}`, row, charge)];
    const more = row.count - charge.count;
    return more > 0 ? [toRow('billed_more_than_once', { ...row, count: more }, charge)] : [];
  });
  const ofLedger = charges.flatMap((charge) => {
    const { requestId, billing, action, count } = charge;
    const about = { requestId: requestId ?? '', action, count };
    if (requestId === null) {
      return billing === 'UNKNOWN' ? [toRow('unknown_without_request_id', about, charge)] : [];
    }
    const isMissing = billing === 'CHARGED' && !billed.has(requestId);
    return isMissing ? [toRow('only_in_ledger', about, charge)] : [];
  });
  return [...ofBill, ...ofLedger];
}

/** Without a request id it is not known which call or attempt is meant, only how many there are. */
function compareNumbers(bill: readonly Billed[], charges: readonly LedgerCharge[]): readonly Row[] {
  const actions = new Set([...bill, ...charges].map(({ action }) => action));
  return [...actions].flatMap((action) => {
    const here = charges.filter((charge) => charge.action === action);
    const sum = (rows: readonly { readonly count: number }[]): number =>
      rows.reduce((total, { count }) => total + count, 0);
    const billed = sum(bill.filter((row) => row.action === action));
    const charged = sum(here.filter(({ billing }) => billing === 'CHARGED'));
    const unknown = sum(here.filter(({ billing }) => billing === 'UNKNOWN'));
    const providerId = here[0]?.providerId ?? '';
    const more = billed - charged - unknown;
    if (more > 0) return [toRow('more_in_bill', { action, count: more }, { providerId })];
    const fewer = charged - billed;
    return fewer > 0 ? [toRow('fewer_in_bill', { action, count: fewer }, { providerId })] : [];
  });
}

function toRow(
  found: string,
  { requestId = '', action, count }: Omit<Billed, 'requestId'> & Partial<Billed>,
  charge: Partial<LedgerCharge> = {},
): Row {
  return {
    ...{ found, requestId },
    provider: charge.providerId ?? '',
    action: charge.action ?? action,
    record: charge.recordId ?? '',
    tenant: charge.tenantId ?? '',
    at: charge.at ?? '',
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
