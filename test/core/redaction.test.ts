import { describe, expect, it } from 'vitest';
import {
  Secret,
  type AnyProvider,
  type Notification,
  type OutcomeAnswer,
  type Started,
} from '../../src/contract/index.ts';
import { StoreUnavailable, type Store } from '../../src/ports/index.ts';
import type { Caller } from '../../src/core/callers/caller.ts';
import { checkBankCard } from '../../src/core/bank-cards/check-bank-card.ts';
import { finishReturn } from '../../src/core/verifications/finish-return.ts';
import { readUserList } from '../../src/core/records/read-user-list.ts';
import { readBankCardChecks } from '../../src/core/bank-cards/read-bank-card-checks.ts';
import { readListPage } from '../../src/core/verifications/read-user-verifications.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { receiveNotification } from '../../src/core/verifications/receive-notification.ts';
import { redactUserData } from '../../src/core/redaction/redact-user-data.ts';
import { redactVerification } from '../../src/core/redaction/redact-verification.ts';
import type { VerificationRecord } from '../../src/core/records/records.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { followUpVerification } from '../../src/core/verifications/follow-up-verification.ts';
import { probeWith } from '../support/probe-with.ts';
import { kept as keptParts } from '../support/kept.ts';
import { createMemoryStore } from '../../src/infra/memory/memory-store.ts';
import { storeFault } from '../support/store-fault.ts';
import { storeHook } from '../support/store-hook.ts';
import {
  probe,
  callerOf,
  createTestCore,
  matched,
  passedAnswer,
  type TestCore,
} from '../support/test-core.ts';

const second = 1000;
const day = 24 * 3600 * second;
const eraser = callerOf('user-1', 'tenant-1', ['verification:redact']);

/** Personal values of a response, an input or a launch. None may remain after a redaction. */
const traces = ['secret-extra', 'secret-way-back', 'secret-token', 'secret-likeness', 'consent-7'];

const passedWithTraces = {
  ...passedAnswer,
  result: { ...passedAnswer.result, details: { remark: 'secret-likeness' } },
} as unknown as OutcomeAnswer;

const face = probe.channels['FACE_WEB'] as unknown as {
  readonly prepare: (...given: unknown[]) => { start: (...given: unknown[]) => Promise<Started> };
};

/** The probe with reusable launches, notifications and a token. */
const traced = probeWith({
  channels: {
    FACE_WEB: {
      reuse: { marginSeconds: 60 },
      notification: {
        verify: null,
        read: ({ body }: Notification) => JSON.parse(body.toString('utf8')) as OutcomeAnswer,
        reply: { contentType: 'text/plain', body: 'thanks' },
      },
      prepare: (...given: unknown[]) => {
        const prepared = face.prepare(...given);
        const token = 'secret-token';
        const startWithToken = async (...terms: unknown[]): Promise<Started> => {
          const started = await prepared.start(...terms);
          const launch = started.launch && { ...started.launch, token };
          return { ...started, launch, session: { token } };
        };
        return { ...prepared, start: startWithToken };
      },
    },
  },
});

/** A store whose every value can be searched. */
function searchable() {
  const written = new Map<string, string>();
  const store = (inner: Store): Store => ({
    ...inner,
    records: {
      create: async (id, parts, life) => {
        const created = await inner.records.create(id, parts, life);
        written.set(id, JSON.stringify(parts));
        return created;
      },
      get: inner.records.get,
      replace: async (record, parts, life) => {
        const done = await inner.records.replace(record, parts, life);
        if (done) written.set(record.id, JSON.stringify(parts));
        return done;
      },
      remove: async (id) => {
        await inner.records.remove(id);
        written.delete(id);
      },
    },
    cache: {
      get: inner.cache.get,
      set: async (key, body, seconds) => {
        await inner.cache.set(key, body, seconds);
        written.set(key, body);
      },
      remove: async (keys) => {
        await inner.cache.remove(keys);
        for (const key of keys) written.delete(key);
      },
    },
  });
  return { store, text: () => [...written.values()].join('\n') };
}

function begin(
  changes: {
    readonly store?: (store: Store) => Store;
    readonly definition?: AnyProvider;
  } = {},
) {
  const dump = searchable();
  const core = createTestCore({
    definitions: [changes.definition ?? traced],
    store: (inner) => changes.store?.(dump.store(inner)) ?? dump.store(inner),
  });
  return { core, dump };
}

/** The same, where the notification is the outcome. */
const tellingByNotification = probeWith({
  channels: { FACE_WEB: { ...traced.channels['FACE_WEB'], outcome: 'NOTIFICATION' } },
});

function notify({ deps }: TestCore, capability: string) {
  return receiveNotification(deps, 'probe', capability, {
    method: 'POST',
    query: '',
    headers: {},
    body: Buffer.from(JSON.stringify(passedWithTraces)),
  });
}

const startInput = {
  channel: 'FACE_WEB',
  extra: 'secret-extra',
  redirectUrl: 'https://app.example/secret-way-back',
  consentRef: 'consent-7',
};

async function start({ deps }: TestCore, idempotencyKey = 'k', caller: Caller = callerOf()) {
  const input = { ...startInput, idempotencyKey };
  const outcome = await startVerification(deps, caller, input, deps.now() + 9000);
  if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
  return outcome.verification;
}

const cardInput = {
  subject: { name: '陈近南', idNumber: '11204416541220243X' },
  cardNumber: '6225768888888888',
  phone: '16137688175',
  consentRef: 'consent-7',
};

async function check(core: TestCore, idempotencyKey = 'c', caller: Caller = callerOf()) {
  core.provider.reply(() => matched);
  const input = { ...cardInput, idempotencyKey };
  const outcome = await checkBankCard(core.deps, caller, input, core.deps.now() + 9000);
  if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
  return outcome;
}

function redactUser({ deps }: TestCore, caller: Caller = eraser, userId = 'user-1') {
  return redactUserData(deps, caller, userId, deps.now() + 9000);
}

async function read({ deps }: TestCore, id: string, caller = callerOf()) {
  const [record] = await readVerifications(deps, caller, [id], deps.now() + 9000);
  if (!record || record instanceof Error) throw new Error('not readable');
  return record;
}

function urlsOf({ provider }: TestCore) {
  const given = provider.ledger[0]?.body as Readonly<Record<string, string>>;
  const last = (name: string): string => given[name]?.split('/').at(-1) ?? '';
  return { back: last('returnUrl'), callback: last('notifyUrl') };
}

async function pass(core: TestCore, id: string) {
  core.provider.reply(() => passedWithTraces);
  core.clock.ms += 2 * second;
  const record = await read(core, id);
  expect(record.status).toBe('PASSED');
  return record;
}

function expectNoTrace(text: string): void {
  for (const trace of traces) expect(text).not.toContain(trace);
}

const counts = (of: TestCore) => of.provider.ledger.length;

describe('the personal part of a record', () => {
  it('is removed when the provider’s retention ends; the status stays until the record’s own end', async () => {
    const { core } = begin();
    const { id } = await start(core);
    await pass(core, id);
    core.clock.ms += 3 * day + 2 * 3600 * second;
    const [stored] = await core.deps.store.records.get([id]);
    expect(stored?.personal).toBeNull();
    expectNoTrace(JSON.stringify(stored).replace('consent-7', ''));
    expect(stored?.body).not.toContain('VERIFIED');
    const later = await read(core, id);
    expect(later).toMatchObject({ status: 'PASSED', extra: null, redirectUrl: null });
    expect(later.outcome).toMatchObject({
      ...{ billing: 'CHARGED', similarity: null, details: null, code: null, reason: 'OTHER' },
    });
    core.clock.ms += 28 * day;
    expect(await core.deps.store.records.get([id])).toEqual([null]);
  });
});

describe('a redacted verification', () => {
  it('shows its status, times and billing, and no personal data', async () => {
    const { core, dump } = begin();
    const { id } = await start(core);
    const before = await pass(core, id);
    expect(dump.text()).toContain('secret-likeness');
    const outcome = await redactVerification(core.deps, eraser, id);
    expect(outcome).toMatchObject({ kind: 'success', verification: { id, status: 'PASSED' } });
    expectNoTrace(dump.text());
    const kept = ['status', 'checks', 'createdAtMs', 'startedAtMs', 'lastCheckedAtMs'] as const;
    const after = await read(core, id);
    for (const name of kept) expect(after[name], name).toEqual(before[name]);
    expect(after.redactedAtMs).toBe(core.clock.ms);
    expect(after.outcome).toMatchObject({ billing: 'CHARGED', chargedAttempts: 1, code: null });
  });

  it('is redacted once, however often it is requested', async () => {
    const { core } = begin();
    const { id } = await start(core);
    await redactVerification(core.deps, eraser, id);
    const [first] = await core.deps.store.records.get([id]);
    core.clock.ms += second;
    const all = await Promise.all(
      Array.from({ length: 20 }, () => redactVerification(core.deps, eraser, id)),
    );
    for (const one of all) expect(one).toMatchObject({ kind: 'success' });
    expect(await core.deps.store.records.get([id])).toEqual([first]);
  });

  it.each<[string, (core: TestCore, id: string, urls: ReturnType<typeof urlsOf>) => unknown]>([
    ['a query', (core, id) => read(core, id)],
    ['the return URL', (core, _id, { back }) => finishReturn(core.deps, back)],
    ['a follow-up', (core, id) => followUpVerification(core.deps, id)],
    ['a notification', (core, _id, { callback }) => notify(core, callback)],
    ['a replay', (core) => start(core)],
  ])('gets no personal data back by %s', async (_name, happen) => {
    const { core, dump } = begin();
    const { id } = await start(core);
    const urls = urlsOf(core);
    await redactVerification(core.deps, eraser, id);
    core.provider.reply(() => passedWithTraces);
    const called = counts(core);
    for (const laterMs of [0, 2 * second, 12 * 60 * second]) {
      core.clock.ms += laterMs;
      await happen(core, id, urls);
    }
    expectNoTrace(dump.text());
    expect(await read(core, id)).toMatchObject({ launch: null, session: null, extra: null });
    expect(counts(core)).toBe(called);
  });

  it('redirects its person nowhere', async () => {
    const { core } = begin();
    const { id } = await start(core);
    const { back } = urlsOf(core);
    await redactVerification(core.deps, eraser, id);
    expect(await finishReturn(core.deps, back)).toEqual({
      kind: 'page',
      page: 'done',
      languages: ['zh', 'en'],
    });
  });

  it('ends UNDETERMINED after expiry when it was pending', async () => {
    const { core } = begin();
    const { id } = await start(core);
    await redactVerification(core.deps, eraser, id);
    expect(await read(core, id)).toMatchObject({ status: 'PENDING' });
    core.clock.ms += 661 * second;
    expect(await followUpVerification(core.deps, id)).toBeNull();
    expect(await read(core, id)).toMatchObject({
      ...{ status: 'UNDETERMINED', outcome: { reason: 'OTHER' } },
    });
    const [stored] = await core.deps.store.records.get([id]);
    expect(stored?.personal).toBeNull();
  });

  it('is not reused: another key starts a new verification', async () => {
    const { core } = begin();
    const { id } = await start(core, 'one');
    expect((await start(core, 'two')).id).toBe(id);
    await redactVerification(core.deps, eraser, id);
    core.provider.reply(() => ({}));
    expect((await start(core, 'three')).id).not.toBe(id);
  });

  it('stays redacted when a provider response arrives afterwards', async () => {
    const { core, dump } = begin();
    const { id } = await start(core);
    core.clock.ms += 2 * second;
    core.provider.reply(async () => {
      await redactVerification(core.deps, eraser, id);
      return passedWithTraces;
    });
    await read(core, id);
    expectNoTrace(dump.text());
    expect(await read(core, id)).toMatchObject({ redactedAtMs: core.clock.ms, launch: null });
  });

  it('stays redacted when a notification is written at the same time', async () => {
    const hook = storeHook('records', 'replace');
    const { core, dump } = begin({
      definition: tellingByNotification,
      store: hook.store,
    });
    const { id } = await start(core);
    const { callback } = urlsOf(core);
    hook.once = () => redactVerification(core.deps, eraser, id);
    await notify(core, callback);
    expectNoTrace(dump.text());
    expect(await read(core, id)).toMatchObject({ status: 'PENDING', outcome: null });
    // And afterwards.
    await notify(core, callback);
    expect(await read(core, id)).toMatchObject({ status: 'PENDING', outcome: null });
  });

  it('is redacted when another writer changes the record at that moment', async () => {
    const hook = storeHook('records', 'replace');
    const { core, dump } = begin({
      store: hook.store,
    });
    const { id } = await start(core);
    core.clock.ms += 2 * second;
    core.provider.reply(() => passedWithTraces);
    hook.once = () => read(core, id);
    await redactVerification(core.deps, eraser, id);
    expectNoTrace(dump.text());
    const after = await read(core, id);
    expect(after).toMatchObject({ status: 'PASSED', redactedAtMs: core.clock.ms });
  });

  it('leaves no early notification behind', async () => {
    const { core, dump } = begin({ definition: tellingByNotification });
    core.provider.reply(async () => {
      const { callback } = urlsOf(core);
      await notify(core, callback);
      expect(dump.text()).toContain('secret-likeness');
      await redactUser(core);
      expectNoTrace(dump.text());
      await notify(core, callback);
      return {};
    });
    const input = { ...startInput, idempotencyKey: 'k' };
    const late = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
    expect(late).toMatchObject({ kind: 'problem' });
    expectNoTrace(dump.text());
  });

  it('is still returned for every key that returned it', async () => {
    const { core } = begin();
    const { id } = await start(core, 'one');
    await start(core, 'two');
    await redactUser(core);
    for (const key of ['one', 'two']) {
      expect(await start(core, key)).toMatchObject({ id, launch: null });
    }
    expect(counts(core)).toBe(1);
  });

  it('requires the scope and access to the verification, and tells others nothing', async () => {
    const { core } = begin();
    const { id } = await start(core);
    await expect(redactVerification(core.deps, callerOf(), id)).rejects.toThrow('not allowed');
    const scopes = ['verification:redact'] as const;
    const strangers = [
      callerOf('user-2', 'tenant-1', scopes),
      callerOf('user-1', 'tenant-2', scopes),
      callerOf('user-2', 'tenant-2', [...scopes, 'verification:any-user']),
    ];
    for (const stranger of strangers) {
      const notFound = { kind: 'problem', problem: { code: 'NOT_FOUND' } };
      expect(await redactVerification(core.deps, stranger, id)).toMatchObject(notFound);
      for (const absent of ['ver_made-up', `ver_${'A'.repeat(22)}`, `bcc_${'A'.repeat(22)}`]) {
        expect(await redactVerification(core.deps, stranger, absent)).toMatchObject(notFound);
      }
    }
    expect(await read(core, id)).toMatchObject({ redactedAtMs: null });
    const desk = callerOf('desk', 'tenant-1', [...scopes, 'verification:any-user']);
    expect(await redactVerification(core.deps, desk, id)).toMatchObject({ kind: 'success' });
  });

  it('is not reported as redacted when the store failed', async () => {
    const fault = storeFault('records', 'replace');
    const { core } = begin({
      store: fault.store,
    });
    const { id } = await start(core);
    fault.isOn = true;
    const failed = { problem: { code: 'STORE_UNAVAILABLE', retry: 'SAME_KEY' } };
    expect(await redactVerification(core.deps, eraser, id)).toMatchObject(failed);
    expect(await redactUser(core, eraser)).toMatchObject(failed);
    fault.isOn = false;
    const success = { kind: 'success', verifications: 1, checks: 0 };
    expect(await redactUser(core, eraser)).toEqual(success);
  });
});

describe('a redacted user', () => {
  it('has no verifications, checks, cached results, launches or list entries left', async () => {
    const { core, dump } = begin();
    const first = await start(core);
    await pass(core, first.id);
    const other = await start(core, 'k2');
    const { check: checked } = await check(core);
    await check(core, 'c2');
    const outcome = await redactUser(core, eraser);
    expect(outcome).toEqual({ kind: 'success', verifications: 2, checks: 2 });
    expectNoTrace(dump.text());
    expect(dump.text()).not.toContain('ALL_MATCHED');
    const [kept] = await readBankCardChecks(core.deps, callerOf(), [checked.id]);
    expect(kept).toMatchObject({ result: { outcome: 'MATCHED', reason: 'OTHER', code: null } });
    for (const id of [first.id, other.id]) {
      expect(await read(core, id)).toMatchObject({ redactedAtMs: core.clock.ms });
    }
    const listed = await readUserList(
      core.deps,
      eraser,
      'user-1',
      { first: 10, after: null, deadlineMs: core.deps.now() + 9000 },
      {
        records: (ids) => readVerifications(core.deps, eraser, ids, core.deps.now() + 9000),
        page: (after) =>
          readListPage(core.deps, eraser, { userId: 'user-1', list: 'verifications', after }),
        isId: () => true,
      },
    );
    expect(listed).toEqual({ listed: [], hasMore: false });
    const again = { kind: 'success', verifications: 0, checks: 0 };
    expect(await redactUser(core, eraser)).toEqual(again);
  });

  it('pays for the next check, because the cached result is gone', async () => {
    const { core } = begin();
    await check(core);
    expect(await check(core, 'c2')).toMatchObject({ cached: true });
    await redactUser(core, eraser);
    expect(await check(core, 'c3')).toMatchObject({ cached: false });
    // The old key is still used, so its replay costs nothing.
    const paid = counts(core);
    expect(await check(core)).toMatchObject({ replayed: true, check: { result: { code: null } } });
    expect(counts(core)).toBe(paid);
  });

  it('gets no data back from a check or a start in flight', async () => {
    const { core, dump } = begin();
    core.provider.reply(async () => {
      await redactUser(core, eraser);
      return {};
    });
    const input = { ...startInput, idempotencyKey: 'k' };
    const late = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
    expect(late).toMatchObject({ kind: 'problem' });
    expectNoTrace(dump.text());
    core.provider.reply(async () => {
      await redactUser(core, eraser);
      return matched;
    });
    const bankCard = { ...cardInput, idempotencyKey: 'c' };
    const paid = await checkBankCard(core.deps, callerOf(), bankCard, core.deps.now() + 9000);
    // The caller who waits for the paid result gets it, but it is not stored.
    expect(paid).toMatchObject({ kind: 'success', stored: false });
    expectNoTrace(dump.text());
    expect(dump.text()).not.toContain('ALL_MATCHED');
  });

  it('is not charged for a call that still waits for its rate limit', async () => {
    let onTurn: (() => Promise<unknown>) | null = null;
    const core = createTestCore({
      limiter: {
        turn: async (_ask, steps) => {
          await onTurn?.();
          await steps?.prepare?.();
          return { isInTime: () => true, giveBack: () => {} };
        },
        backOff: async () => {},
      },
    });
    onTurn = () => redactUser(core);
    const input = { ...cardInput, idempotencyKey: 'c' };
    const refused = await checkBankCard(core.deps, callerOf(), input, core.deps.now() + 9000);
    expect(refused).toMatchObject({ problem: { retry: 'SAME_KEY', billing: 'NOT_CHARGED' } });
    expect(core.provider.ledger).toEqual([]);
  });

  it('has no cached result left from a check in flight', async () => {
    // The leader has read its record, and no longer finds that version.
    const hook = storeHook('records', 'replace');
    const { core, dump } = begin({
      store: hook.store,
    });
    core.provider.reply(() => {
      hook.once = () => redactUser(core);
      return matched;
    });
    const input = { ...cardInput, idempotencyKey: 'c' };
    await checkBankCard(core.deps, callerOf(), input, core.deps.now() + 9000);
    expect(dump.text()).not.toContain('ALL_MATCHED');
    expect(await check(core, 'c2')).toMatchObject({ cached: false });
  });

  it('has no cached result left from a check whose record could not be stored', async () => {
    const fault = storeFault('records', 'replace');
    const { core } = begin({
      store: fault.store,
    });
    fault.isOn = true;
    core.provider.reply(() => matched);
    // The removal from the cache fails too: the cache has the result, the record does not.
    const input = { ...cardInput, idempotencyKey: 'c' };
    const deps = {
      ...core.deps,
      store: {
        ...core.deps.store,
        cache: { ...core.deps.store.cache, remove: () => Promise.reject(new StoreUnavailable()) },
      },
    };
    expect(await checkBankCard(deps, callerOf(), input, deps.now() + 9000)).toMatchObject({
      stored: false,
    });
    fault.isOn = false;
    core.clock.ms += 20 * 3600 * second;
    await redactUser(core);
    expect(await check(core, 'c2')).toMatchObject({ cached: false });
  });

  it('loses a verification that was started during the redaction', async () => {
    const hook = storeHook('lists', 'remove');
    const { core, dump } = begin({
      store: hook.store,
    });
    await start(core, 'first');
    core.clock.ms += second;
    hook.once = () => start(core, 'second');
    expect(await redactUser(core)).toMatchObject({ verifications: 2 });
    expectNoTrace(dump.text());
  });

  it('keeps only the records that cannot be redacted now, and loses them the next time', async () => {
    let bad = '';
    const { core, dump } = begin({
      store: (store) => ({
        ...store,
        records: {
          ...store.records,
          replace: (record, ...rest) =>
            record.id === bad
              ? Promise.reject(new StoreUnavailable())
              : store.records.replace(record, ...rest),
        },
      }),
    });
    for (let at = 0; at < 120; at++) {
      const input = { ...startInput, idempotencyKey: `k${at}`, extra: `secret-extra ${at}` };
      const outcome = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
      core.clock.ms += 1;
      if (at === 110 && outcome.kind === 'success') bad = outcome.verification.id;
    }
    expect(await redactUser(core)).toMatchObject({ problem: { code: 'STORE_UNAVAILABLE' } });
    const [left] = await core.deps.store.records.get([bad]);
    expect(dump.text().match(/secret-extra/gu)).toHaveLength(1);
    expect(JSON.stringify(left)).toContain('secret-extra');
    bad = '';
    expect(await redactUser(core)).toMatchObject({ kind: 'success', verifications: 1 });
    expectNoTrace(dump.text());
  });

  it('has no unreadable records left', async () => {
    const { core, dump } = begin();
    const { id } = await start(core);
    const [stored] = await core.deps.store.records.get([id]);
    if (!stored) throw new Error('gone');
    await core.deps.store.records.replace(stored, ...keptParts('secret-extra, not JSON'));
    expect(await redactUser(core)).toMatchObject({ kind: 'success' });
    expectNoTrace(dump.text());
    expect(await redactUser(core)).toMatchObject({ kind: 'success' });
  });

  it('is found as long as personal data is stored, also beyond retentionDays', async () => {
    const rules = { retentionDays: 1, listedDays: 1 };
    const core = createTestCore({ definitions: [traced], rules });
    const { id } = await start(core);
    const late = await start(core, 'late');
    core.clock.ms += 3 * day;
    core.provider.reply(() => passedWithTraces);
    await followUpVerification(core.deps, late.id);
    const [held] = await core.deps.store.records.get([id]);
    expect(held?.personal).not.toBeNull();
    expect(await redactUser(core)).toMatchObject({ kind: 'success' });
    const [gone] = await core.deps.store.records.get([id]);
    expect(gone?.personal).toBeNull();
  });

  it('is found after the retention of its tenant was shortened', async () => {
    const rules = { retentionDays: 30, listedDays: 30 };
    const core = createTestCore({ definitions: [traced], rules });
    const { id } = await start(core);
    core.provider.reply(() => passedWithTraces);
    core.clock.ms += 2 * second;
    await followUpVerification(core.deps, id);
    core.clock.ms += 20 * day;
    rules.retentionDays = 1;
    // Drops what is too old from the list.
    await start(core, 'late');
    expect(await redactUser(core)).toMatchObject({ kind: 'success', verifications: 2 });
  });

  it('is redacted under both hash keys during a rotation', async () => {
    const { core, dump } = begin();
    const [oldKey] = core.deps.hashKeys;
    await start(core, 'old');
    const newKey = { kid: 'k2', key: new Secret(Buffer.alloc(32, 9).toString('base64')) };
    const rotated: TestCore = { ...core, deps: { ...core.deps, hashKeys: [newKey, oldKey] } };
    core.clock.ms += 1000 * second;
    await start(rotated, 'young');
    expect(await redactUser(rotated)).toMatchObject({ verifications: 2 });
    expectNoTrace(dump.text());
    expect(await redactUser(rotated)).toMatchObject({ verifications: 0 });
  });

  it('gets STORE_UNAVAILABLE when the caller’s deadline is over, and is redacted the next time', async () => {
    const { core } = begin();
    await start(core);
    const nobodyWaits = await redactUserData(core.deps, eraser, 'user-1', core.deps.now());
    expect(nobodyWaits).toMatchObject({
      problem: { code: 'STORE_UNAVAILABLE', retry: 'SAME_KEY' },
    });
    expect(await redactUser(core)).toMatchObject({ kind: 'success', verifications: 1 });
  });

  it('is one of the caller’s tenant, and another user requires the any-user scope', async () => {
    const { core } = begin();
    const { id } = await start(core);
    const other = callerOf('user-1', 'tenant-2', ['verification:redact']);
    expect(await redactUser(core, other)).toMatchObject({ verifications: 0 });
    const nosy = callerOf('user-2', 'tenant-1', ['verification:redact']);
    await expect(redactUser(core, nosy)).rejects.toThrow('not allowed');
    await expect(redactUser(core, callerOf())).rejects.toThrow('not allowed');
    expect(await read(core, id)).toMatchObject({ redactedAtMs: null });
    const desk = callerOf('desk', 'tenant-1', ['verification:redact', 'verification:any-user']);
    expect(await redactUser(core, desk)).toMatchObject({ verifications: 1 });
  });

  it('is redacted completely with hundreds of records', async () => {
    const store = createMemoryStore({ now: () => 1_800_000_000_000 });
    const { core } = begin({ store: () => store });
    core.provider.reply(() => ({}));
    const several: VerificationRecord[] = [];
    for (let at = 0; at < 250; at++) {
      // Other input than before, so that no launch is reused.
      const input = { ...startInput, idempotencyKey: `k${at}`, extra: `secret-extra ${at}` };
      const outcome = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
      if (outcome.kind === 'success') several.push(outcome.verification);
    }
    expect(await redactUser(core, eraser)).toEqual({
      kind: 'success',
      verifications: 250,
      checks: 0,
    });
    const left = await store.records.get(several.map(({ id }) => id));
    expectNoTrace(JSON.stringify(left));
  });
});
