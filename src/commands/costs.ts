import { parseArgs } from 'node:util';
import { isAboutMoney, toCharges, type LedgerCharge } from './charges.ts';
import { CommandError, wrongUsage } from './command-error.ts';
import { compareBill } from './compare-bill.ts';
import { readExport, exportFormats, toCsv, type ExportFormat } from './ledger-export.ts';
import { readMode } from './audit.ts';
import { openStore } from './open-store.ts';
import { readPrices, toAmount, type Prices } from './read-prices.ts';
import { readTime } from './read-time.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What charges can be counted by. Days are those of UTC. */
const dimensions = {
  tenant: ({ tenantId }) => tenantId,
  provider: ({ providerId }) => providerId,
  account: ({ account }) => account,
  jurisdiction: ({ jurisdiction }) => jurisdiction,
  channel: ({ channel }) => channel,
  action: ({ action }) => action,
  day: ({ at }) => at.slice(0, 10),
} as const satisfies Record<string, (charge: LedgerCharge) => string>;

type Dimension = keyof typeof dimensions;

/** How far the clocks of this host and of Redis may differ. What is told later counts at the time that it tells of. */
const aroundMs = 24 * 3600 * 1000;

/**
 * What was charged, from the ledger or an export of it; or, with a bill, what differs. Throws `CommandError`, `BootError`
 * and `StoreUnavailable`.
 */
export async function* costs(env: Env, parameters: readonly string[]): AsyncIterable<string> {
  const given = parseArgs({
    args: [...parameters],
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      by: { type: 'string', default: 'provider,action' },
      tenant: { type: 'string' },
      provider: { type: 'string' },
      file: { type: 'string' },
      compare: { type: 'string' },
      format: { type: 'string', default: 'csv' },
      mode: { type: 'string' },
    },
  }).values;
  const format = exportFormats.find((each) => each === given.format);
  if (format === undefined) throw wrongUsage('--format must be ndjson or csv');
  const by = readDimensions(given.by);
  const fromMs = given.from === undefined ? 0 : readTime('--from', given.from, 'begin');
  const toMs = given.to === undefined ? Number.MAX_SAFE_INTEGER : readTime('--to', given.to, 'end');
  const mode = readMode(given.mode);
  const prices = env['PRICES_FILE'] ? readPrices(env['PRICES_FILE']) : null;
  const lines =
    given.file === undefined
      ? await readStored(env, mode, fromMs - aroundMs)
      : await aboutMoney(linesOf(given.file));
  const { tenant, provider } = given;
  const charges = toCharges(lines).filter(({ at, tenantId, providerId }) => {
    const ms = Date.parse(at);
    const isAsked =
      (tenant === undefined || tenantId === tenant) &&
      (provider === undefined || providerId === provider);
    return ms >= fromMs && ms <= toMs && isAsked;
  });
  const rows =
    given.compare === undefined
      ? countBy(by, charges, prices)
      : await compareBill(given.compare, charges);
  yield* toLines(format, rows);
}

function readDimensions(text: string): readonly Dimension[] {
  return text.split(',').map((name) => {
    const known = Object.keys(dimensions).find((each): each is Dimension => each === name);
    if (!known) throw wrongUsage(`--by takes ${Object.keys(dimensions).join(', ')}`);
    return known;
  });
}

async function readStored(
  env: Env,
  mode: string | undefined,
  fromMs: number,
): Promise<readonly Readonly<Record<string, string>>[]> {
  const store = await openStore(env, mode);
  try {
    return await aboutMoney(store.ledger(Math.max(0, fromMs), Number.MAX_SAFE_INTEGER));
  } finally {
    store.close();
  }
}

async function* linesOf(path: string): AsyncIterable<Readonly<Record<string, string>>> {
  for await (const { line } of readExport(path)) yield line;
}

/** Only the lines about money are kept: the ledger may be large. */
async function aboutMoney(
  all: AsyncIterable<Readonly<Record<string, string>>>,
): Promise<readonly Readonly<Record<string, string>>[]> {
  const found: Readonly<Record<string, string>>[] = [];
  for await (const line of all) if (isAboutMoney(line)) found.push(line);
  return found;
}

/** One row for each combination of the dimensions. `unknown`: may have been charged. */
function countBy(
  by: readonly Dimension[],
  charges: readonly LedgerCharge[],
  prices: Prices | null,
): readonly Readonly<Record<string, string>>[] {
  const groups = new Map<string, LedgerCharge[]>();
  for (const charge of charges) {
    const key = JSON.stringify(by.map((name) => dimensions[name](charge)));
    const group = groups.get(key) ?? [];
    group.push(charge);
    groups.set(key, group);
  }
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, all]) => {
      const values = JSON.parse(key) as readonly string[];
      const told = Object.fromEntries(by.map((name, at) => [name, values[at] ?? '']));
      const only = (billing: LedgerCharge['billing']) =>
        all.filter((charge) => charge.billing === billing);
      const counts = {
        charged: String(sum(only('CHARGED'))),
        unknown: String(sum(only('UNKNOWN'))),
        notCharged: String(sum(only('NOT_CHARGED'))),
      };
      if (!prices) return { ...told, ...counts };
      return {
        ...{ ...told, ...counts },
        cost: priceOf(only('CHARGED'), prices),
        costIfUnknownCharged: priceOf([...only('CHARGED'), ...only('UNKNOWN')], prices),
        currency: prices.currency,
      };
    });
}

function sum(charges: readonly LedgerCharge[]): number {
  return charges.reduce((total, { count }) => total + count, 0);
}

/** Throws `CommandError` if there is no price for one of them. */
function priceOf(charges: readonly LedgerCharge[], prices: Prices): string {
  const total = charges.reduce((before, { providerId, action, count }) => {
    const price = prices.of(providerId, action);
    if (price === null) {
      throw new CommandError(`PRICES_FILE has no price for ${providerId} ${action}.`, 1);
    }
    return before + price * BigInt(count);
  }, 0n);
  return toAmount(total);
}

function* toLines(
  format: ExportFormat,
  rows: readonly Readonly<Record<string, string>>[],
): Iterable<string> {
  const [first] = rows;
  if (format === 'csv' && first) yield Object.keys(first).join(',');
  for (const row of rows) {
    yield format === 'csv' ? Object.values(row).map(toCsv).join(',') : JSON.stringify(row);
  }
}
