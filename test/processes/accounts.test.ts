import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readRedisLedger } from '../../src/infra/redis/read-redis-ledger.ts';
import { connectRedis, waitForRedis } from '../../src/infra/redis/connect-redis.ts';
import {
  startAccountEmulator,
  type AccountEmulator,
  type AccountKeys,
} from '../support/account-emulator.ts';
import { cardInput } from '../support/card-input.ts';
import { freePort } from '../support/free-port.ts';
import { checkMutation, startMutation, verificationQuery } from '../support/operations.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startReplica, type Replica } from '../support/replicas.ts';
import { until } from '../support/until.ts';

// Two tenants and three accounts, each of which is an upstream of its own that knows only its own keys. One account is
// that of the environment.

type Name = 'retail' | 'cards' | 'main';

const keysOf = (name: string): AccountKeys => ({
  secretId: `AKID${name}`,
  secretKey: `${name}-key`,
});
const names: readonly Name[] = ['retail', 'cards', 'main'];
const routerSecret = 'the-secret-of-the-router';

let folder: string;
let redis: RedisServer;
let emulators: Readonly<Record<Name, AccountEmulator>>;
let replicas: Replica[];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

beforeEach(async () => {
  await redis.command('FLUSHALL');
  folder = mkdtempSync(join(tmpdir(), 'accounts-'));
  const [retail, cards, main] = await Promise.all(
    names.map((name) => startAccountEmulator(keysOf(name))),
  );
  if (!retail || !cards || !main) throw new Error('three emulators were started');
  emulators = { retail, cards, main };
  replicas = [];
});
afterEach(async () => {
  await Promise.all(replicas.map((replica) => replica.kill()));
  await Promise.all(Object.values(emulators).map((emulator) => emulator.stop()));
  rmSync(folder, { recursive: true });
});

interface Plan {
  readonly retail?: AccountKeys;
  readonly tenants?: object;
  readonly more?: object;
  /** Left out of the file. */
  readonly without?: Name;
}

const acme = {
  acme: {
    accounts: {
      'tencent-cn': [
        { account: 'retail', for: ['E_ID'] },
        { account: 'cards', for: ['BankCard4EVerification'] },
      ],
    },
  },
};

/** Writes the file of the accounts. Keys are in files of their own. */
function write({ retail = keysOf('retail'), tenants = acme, more = {}, without }: Plan = {}): void {
  const one = (name: Name, { secretId, secretKey }: AccountKeys, extra: object = {}): object => {
    const path = join(folder, `${name}-key`);
    writeFileSync(path, `${secretKey}\n`);
    const settings = { SECRET_ID: secretId, SECRET_KEY_FILE: path };
    return {
      ...settings,
      MERCHANT_ID: `merchant-${name}`,
      ENDPOINT: emulators[name].url,
      ...extra,
    };
  };
  const limits = { LIMIT_GETEIDTOKEN: 300, LIMIT_BANKCARD4EVERIFICATION: 300 };
  const accounts = {
    retail: one('retail', retail, limits),
    cards: one('cards', keysOf('cards'), limits),
    ...more,
  };
  const kept = Object.entries(accounts).filter(([name]) => name !== without);
  const file = { accounts: { 'tencent-cn': Object.fromEntries(kept) }, tenants };
  writeFileSync(join(folder, 'accounts.yaml'), JSON.stringify(file));
}

async function start(env: Readonly<Record<string, string>> = {}): Promise<Replica> {
  const replica = await startReplica(redis.url, emulators.main.url, {
    ...{ TENCENT_CN_SECRET_ID: 'AKIDmain', TENCENT_CN_SECRET_KEY: 'main-key' },
    ...{ TENCENT_CN_MERCHANT_ID: 'merchant-main', ACCOUNTS_FILE: join(folder, 'accounts.yaml') },
    ...{ TENCENT_CN_LIMIT_GETEIDTOKEN: '300', TENCENT_CN_LIMIT_BANKCARD4EVERIFICATION: '300' },
    ...{ PUBLIC_URL: 'https://idv.example', REDIRECT_ORIGINS: 'https://app.example' },
    ...{ ROUTER_SECRETS: routerSecret, TRUST_IDENTITY_HEADERS: 'on' },
    PUBLIC_PORT: String(await freePort()),
    ...env,
  });
  replicas.push(replica);
  return replica;
}

async function ask(
  { url }: Pick<Replica, 'url'>,
  tenant: string,
  query: string,
  variables: object,
  // Tests read deep into answers whose shape they assert.
  // oxlint-disable-next-line typescript/no-explicit-any
): Promise<any> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...{ 'x-router-secret': routerSecret, 'x-tenant-id': tenant, 'x-user-id': 'user-1' },
      'x-scopes': 'verification:start verification:read bankcard:check',
    },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(30_000),
  });
  const { data, errors } = (await response.json()) as { data?: object; errors?: unknown };
  return data ? Object.values(data)[0] : { errors };
}

/** Repeats with the same key, as clients do, until there is a result. The id is null if that is not known after a kill. */
function settle(
  oneOf: () => Pick<Replica, 'url'>,
  tenant: string,
  kind: 'start' | 'check',
  name: string,
  more: object = {},
): Promise<{ readonly id: string | null }> {
  const subject = { name: personOf(name), idNumber: '11204416541220243X' };
  const [query, input] =
    kind === 'start'
      ? [startMutation, { idempotencyKey: name, channel: 'E_ID', subject }]
      : [checkMutation, { ...cardInput(personOf(name), name) }];
  return until(async () => {
    const told = await ask(oneOf(), tenant, query, { input: { ...input, ...more } }).catch(
      () => null,
    );
    const isUnknown = told?.code === 'OUTCOME_UNKNOWN';
    return told?.verification ?? told?.check ?? (isUnknown ? { id: null } : null);
  }, 90_000);
}

/** A name of its own for each operation, in characters that a name may have. */
function personOf(name: string): string {
  return `韦${Array.from(Buffer.from(name), (byte) => String.fromCodePoint(0x4e00 + byte)).join('')}`;
}

const namesAt = (account: Name): readonly string[] =>
  emulators[account].served.flatMap(({ name }) => name ?? []);

describe('two tenants with three accounts', () => {
  it('never cross in 1000 operations, with kills and reloads', { timeout: 300_000 }, async () => {
    write();
    await Promise.all([start(), start(), start()]);
    const oneOf = (at: number) => () => replicas[at % replicas.length] ?? { url: '' };
    const wanted: Record<Name, string[]> = { retail: [], cards: [], main: [] };
    const accountOf = { 'acme start': 'retail', 'acme check': 'cards' } as const;
    // The replica was killed while it paid: the provider may have been called or not.
    const unknown: string[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < 1000) {
        const at = (next += 1);
        const tenant = at % 2 === 0 ? 'acme' : 'globex';
        const kind = at % 4 < 2 ? 'start' : 'check';
        const name = `op-${at}`;
        const key = `${tenant} ${kind}`;
        const account: Name = key in accountOf ? accountOf[key as keyof typeof accountOf] : 'main';
        // Launches are reused by the same user, and results cached, so each operation has a name of its own.
        let tries = at;
        const { id } = await settle(() => oneOf((tries += 1))(), tenant, kind, name);
        (id === null ? unknown : wanted[account]).push(personOf(name));
        if (at % 250 === 0) {
          const killed = replicas.shift();
          await killed?.kill();
          await start();
        }
        if (at % 100 === 0) write({ tenants: { ...acme, [`other-${at}`]: { weight: 2 } } });
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    for (const account of names) {
      const known = namesAt(account).filter((name) => !unknown.includes(name));
      expect(new Set(known)).toEqual(new Set(wanted[account]));
      expect(emulators[account].refused).toEqual([]);
      const paid = emulators[account].served.filter(({ action }) => action.startsWith('BankCard'));
      expect(new Set(paid.map(({ name }) => name)).size).toBe(paid.length);
    }
    // The ledger names the account of each operation.
    const client = connectRedis({ url: redis.url });
    await waitForRedis(client, 45_000);
    const told = new Set<string>();
    const books: Record<string, number> = {};
    const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
    for await (const { kind, tenantId, action, account } of readRedisLedger(client, 'live', all)) {
      if (kind === 'started' || kind === 'checked') told.add(`${tenantId} ${action} ${account}`);
      if (kind === 'checked') books[String(account)] = (books[String(account)] ?? 0) + 1;
    }
    client.disconnect();
    const bills = names.map((account) => [
      account === 'main' ? 'default' : account,
      emulators[account].served.filter(
        ({ action, name }) => action.startsWith('BankCard') && !unknown.includes(name ?? ''),
      ).length,
    ]);
    expect(books).toEqual(Object.fromEntries(bills.filter(([, calls]) => calls !== 0)));
    expect(told).toEqual(
      new Set([
        ...['acme GetEidToken retail', 'acme BankCard4EVerification cards'],
        ...['globex GetEidToken default', 'globex BankCard4EVerification default'],
      ]),
    );
  });

  it('see their own accounts only', async () => {
    write();
    const replica = await start();
    const query = '{ verificationProviders { id enabled reason accounts channels { channel } } }';
    const of = async (tenant: string): Promise<object> => {
      const all = await ask(replica, tenant, query, {});
      return all.find(({ id }: { readonly id: string }) => id === 'tencent-cn');
    };
    expect(await of('acme')).toEqual({
      ...{ id: 'tencent-cn', enabled: true, reason: null, accounts: ['retail', 'cards'] },
      channels: [{ channel: 'E_ID' }],
    });
    expect(await of('globex')).toMatchObject({ accounts: ['default'] });
    for (const account of ['retail', 'nobody']) {
      const input = { idempotencyKey: account, channel: 'E_ID', account };
      const told = await ask(replica, 'globex', startMutation, { input });
      expect(told.fields).toContainEqual({
        path: 'account',
        message: 'is no account of your tenant for this',
      });
    }
  });

  it('ask the account that started a verification, also after the tenant was moved', async () => {
    write();
    const replica = await start();
    const { id } = await settle(() => replica, 'acme', 'start', 'moved');
    write({ tenants: { acme: { accounts: { 'tencent-cn': 'cards' } } } });
    await until(async () => {
      await settle(() => replica, 'acme', 'start', `later-${Date.now()}`);
      return emulators.cards.served.some(({ action }) => action === 'GetEidToken');
    }, 60_000);
    const read = await ask(replica, 'acme', verificationQuery, { id });
    expect(read).toMatchObject({ status: 'PENDING' });
    expect(emulators.retail.served.map(({ action }) => action)).toContain('CheckEidTokenStatus');
    expect(emulators.cards.refused).toEqual([]);
  });

  it('keep their verifications when an account is removed, and have them back with it', async () => {
    write();
    const replica = await start();
    const { id } = await settle(() => replica, 'acme', 'start', 'removed');
    const provider = `query ($id: ID!) { verification(id: $id) { status provider { enabled reason } } }`;
    write({ without: 'retail', tenants: {} });
    const gone = await until(async () => {
      const read = await ask(replica, 'acme', provider, { id });
      return read.provider.enabled === false ? read : null;
    }, 60_000);
    expect(gone).toEqual({
      status: 'PENDING',
      provider: { enabled: false, reason: 'Its account is no longer configured.' },
    });
    write();
    await until(async () => {
      const read = await ask(replica, 'acme', provider, { id });
      return read.provider.enabled;
    }, 60_000);
    await until(async () => {
      await ask(replica, 'acme', verificationQuery, { id });
      return emulators.retail.served.some(({ action }) => action === 'CheckEidTokenStatus');
    }, 60_000);
  });
});

describe('changed credentials', () => {
  it('are used under load without one failed call', { timeout: 120_000 }, async () => {
    const rotated = { secretId: 'AKIDretail2', secretKey: 'retail-key-2' };
    write();
    const both = await Promise.all([start(), start()]);
    emulators.retail.accept(keysOf('retail'), rotated);
    const used = (): ReadonlySet<string> =>
      new Set(emulators.retail.served.slice(-40).map(({ secretId }) => secretId));
    const load = { isOver: false };
    let at = 0;
    const failed: unknown[] = [];
    const workers = Array.from({ length: 4 }, async () => {
      while (!load.isOver) {
        const name = `rotation-${(at += 1)}`;
        const input = { idempotencyKey: name, channel: 'E_ID' };
        const subject = { name: personOf(name), idNumber: '11204416541220243X' };
        const replica = both[at % 2] ?? { url: '' };
        const told = await ask(replica, 'acme', startMutation, { input: { ...input, subject } });
        if (!told.verification) failed.push(told);
      }
    });
    await until(async () => used().has('AKIDretail'), 30_000);
    write({ retail: rotated });
    await until(async () => used().size === 1 && used().has('AKIDretail2'), 60_000);
    emulators.retail.accept(rotated);
    const before = emulators.retail.served.length;
    await until(async () => emulators.retail.served.length > before + 40, 30_000);
    load.isOver = true;
    await Promise.all(workers);
    // A busy machine may refuse a request before it is worked on.
    expect(failed.filter((told) => !isBusy(told))).toEqual([]);
    expect(emulators.retail.refused).toEqual([]);
  });

  it('that the provider refuses are not used, and readiness stays', async () => {
    write();
    const replica = await start();
    write({ retail: { secretId: 'AKIDwrong', secretKey: 'wrong' } });
    await until(async () => isRefused(replica, 1), 60_000);
    await settle(() => replica, 'acme', 'start', 'still');
    expect(emulators.retail.served.at(-1)).toMatchObject({ secretId: 'AKIDretail' });
    expect((await fetch(`${replica.url}/health/ready`)).status).toBe(200);
    write();
    await until(async () => isRefused(replica, 0), 60_000);
  });

  it('a broken file changes nothing, and SIGHUP reads it at once', async () => {
    write();
    const replica = await start();
    writeFileSync(join(folder, 'accounts.yaml'), '{ accounts: [');
    replica.child.kill('SIGHUP');
    await until(async () => isRefused(replica, 1), 60_000);
    await settle(() => replica, 'acme', 'check', 'broken');
    expect(namesAt('cards')).toEqual([personOf('broken')]);
  });

  it('of a source with an end are renewed before it', { timeout: 60_000 }, async () => {
    const path = join(folder, 'sts.json');
    const [first, second] = [keysOf('sts1'), keysOf('sts2')];
    const issue = ({ secretId, secretKey }: AccountKeys, seconds: number): void =>
      writeFileSync(
        path,
        JSON.stringify({
          ...{ TmpSecretId: secretId, TmpSecretKey: secretKey },
          ExpiredTime: Math.floor(Date.now() / 1000) + seconds,
        }),
      );
    issue(first, 6);
    emulators.retail.accept(first, second);
    write({
      more: {
        sts: {
          ...{ MERCHANT_ID: 'merchant-sts', ENDPOINT: emulators.retail.url },
          credentialSource: { file: path },
        },
      },
      tenants: { acme: { accounts: { 'tencent-cn': 'sts' } } },
    });
    const replica = await start();
    await settle(() => replica, 'acme', 'start', 'sts-first');
    expect(emulators.retail.served.at(-1)).toMatchObject({ secretId: 'AKIDsts1' });
    issue(second, 3600);
    await until(async () => {
      await settle(() => replica, 'acme', 'start', `sts-${Date.now()}`);
      return emulators.retail.served.at(-1)?.secretId === 'AKIDsts2';
    }, 30_000);
    expect(emulators.retail.refused).toEqual([]);
  });
});

function isBusy(told: unknown): boolean {
  return /OVERLOADED|RATE_LIMITED|STORE_UNAVAILABLE/u.test(JSON.stringify(told));
}

/** Whether the gauge has this value. */
async function isRefused({ url }: Replica, value: 0 | 1): Promise<boolean> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return text.split('\n').includes(`verification_accounts_refused ${value}`);
}
