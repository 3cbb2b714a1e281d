import { describe, expect, it } from 'vitest';
import type { OutcomeAnswer } from '../../src/contract/index.ts';
import { StoreUnavailable } from '../../src/ports/index.ts';
import { openCapability, sealCapability } from '../../src/core/records/capability.ts';
import { finishReturn } from '../../src/core/verifications/finish-return.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import {
  startVerification,
  type StartVerificationInput,
} from '../../src/core/verifications/start-verification.ts';
import { probeWith } from '../support/probe-with.ts';
import { storeFault } from '../support/store-fault.ts';
import {
  callerOf,
  createTestCore,
  failing,
  passedAnswer,
  type TestCore,
} from '../support/test-core.ts';
import { kept } from '../support/kept.ts';
import { until } from '../support/until.ts';

const input: StartVerificationInput = { idempotencyKey: 'k', channel: 'FACE_WEB' };
const pending: OutcomeAnswer = { kind: 'pending', chargedAttempts: 0 };
const second = 1000;

function start(
  { deps }: TestCore,
  changes: Partial<StartVerificationInput> = {},
  caller = callerOf(),
) {
  return startVerification(deps, caller, { ...input, ...changes }, deps.now() + 9000);
}

async function started(core: TestCore, changes: Partial<StartVerificationInput> = {}) {
  const outcome = await start(core, changes);
  if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
  return outcome.verification;
}

async function read(core: TestCore, id: string, caller = callerOf()) {
  const { deps } = core;
  const [record] = await readVerifications(deps, caller, [id], deps.now() + 9000);
  return record;
}

function returnUrlOf({ provider }: TestCore): string {
  const body = provider.ledger[0]?.body as { readonly returnUrl: string } | undefined;
  return body?.returnUrl ?? '';
}

describe('starting a verification', () => {
  it('starts once for a hundred concurrent calls with one key', async () => {
    const core = createTestCore();
    const all = await Promise.all(Array.from({ length: 100 }, () => start(core)));
    expect(core.provider.ledger.map(({ action }) => action)).toEqual(['Start']);
    expect(new Set(all.map((one) => one.kind === 'success' && one.verification.id)).size).toBe(1);
  });

  it('may be repeated after a lost response when the start is free', async () => {
    const core = createTestCore();
    core.provider.reply(failing('timeout'), () => ({}));
    expect(await start(core)).toMatchObject({
      problem: { code: 'PROVIDER_UNAVAILABLE', retry: 'SAME_KEY', billing: 'NOT_CHARGED' },
    });
    expect(await start(core)).toMatchObject({ kind: 'success', replayed: false });
  });

  it('is never repeated after a lost response when the start may be charged', async () => {
    const core = createTestCore({
      definitions: [probeWith({ actions: { Start: { effect: 'may_charge' } } })],
    });
    core.provider.reply(failing('timeout'), () => ({}));
    for (let time = 0; time < 2; time++) {
      expect(await start(core)).toMatchObject({
        problem: { code: 'OUTCOME_UNKNOWN', retry: 'NEW_KEY', billing: 'UNKNOWN' },
      });
    }
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('is never repeated when the record of a paid start could not be stored', async () => {
    const fault = storeFault('records', 'replace');
    const core = createTestCore({
      definitions: [probeWith({ actions: { Start: { effect: 'may_charge' } } })],
      store: fault.store,
    });
    fault.isOn = true;
    expect(await start(core)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    fault.isOn = false;
    expect(await start(core)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('returns no launch when its record could not be stored', async () => {
    const core = createTestCore({
      store: (store) => ({
        ...store,
        records: { ...store.records, replace: () => Promise.reject(new StoreUnavailable()) },
      }),
    });
    expect(await start(core)).toMatchObject({ problem: { code: 'STORE_UNAVAILABLE' } });
  });

  it('is replayed when the reply to settling its claim was lost', async () => {
    const core = createTestCore({
      store: (store) => ({
        ...store,
        claims: {
          ...store.claims,
          settle: async (...given) => {
            await store.claims.settle(...given);
            throw new StoreUnavailable();
          },
        },
      }),
    });
    expect(await start(core)).toMatchObject({ problem: { code: 'STORE_UNAVAILABLE' } });
    expect(await start(core)).toMatchObject({ kind: 'success', replayed: true });
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('leaves no record when the start was refused', async () => {
    const ids: string[] = [];
    const core = createTestCore({
      store: (store) => ({
        ...store,
        records: {
          ...store.records,
          create: (id, ...rest) => {
            ids.push(id);
            return store.records.create(id, ...rest);
          },
        },
      }),
    });
    core.provider.reply(failing('rejected'));
    await start(core);
    expect(await core.deps.store.records.get(ids)).toEqual([null]);
  });

  it('shows no record until the start was answered', async () => {
    let id = '';
    const core = createTestCore({
      store: (store) => ({
        ...store,
        records: {
          ...store.records,
          create: (given, ...rest) => {
            id = given;
            return store.records.create(given, ...rest);
          },
        },
      }),
    });
    core.provider.reply(async () => {
      expect(await read(core, id)).toBeNull();
      return {};
    });
    expect(await start(core)).toMatchObject({ kind: 'success' });
    expect(await read(core, id)).toMatchObject({ status: 'PENDING' });
  });

  it('requires the any-user scope for another user', async () => {
    const core = createTestCore();
    await expect(start(core, { userId: 'user-2' })).rejects.toThrow('not allowed');
    const backend = callerOf('backend', 'tenant-1', ['verification:any-user']);
    expect(await start(core, { userId: 'user-2' }, backend)).toMatchObject({
      verification: { userId: 'user-2', callerId: 'backend' },
    });
  });

  it.each<[Partial<StartVerificationInput>, string]>([
    [{ channel: 'E_ID' }, 'channel'],
    [{ provider: 'nobody' }, 'provider'],
    [{ options: {} }, 'options'],
    [{ options: { a: {}, b: {} } }, 'options'],
    [{ options: { unknown: {} } }, 'options.unknown'],
    [{ idempotencyKey: '' }, 'idempotencyKey'],
    [{ idempotencyKey: 'x'.repeat(256) }, 'idempotencyKey'],
    [{ redirectUrl: 'javascript:alert(1)' }, 'redirectUrl'],
    [{ redirectUrl: '//evil.example' }, 'redirectUrl'],
    [{ redirectUrl: 'https:/\\evil.example' }, 'redirectUrl'],
    [{ redirectUrl: 'https://user:pass@app.example/' }, 'redirectUrl'],
    [{ redirectUrl: 'http://app.example/' }, 'redirectUrl'],
    [{ redirectUrl: 'https://app.example/\u0000' }, 'redirectUrl'],
    [{ redirectUrl: 'https://аpp.example/' }, 'redirectUrl'],
  ])('rejects %j and names the field', async (changes, path) => {
    const outcome = await start(createTestCore(), changes);
    expect(outcome).toMatchObject({
      problem: { code: 'INVALID_INPUT', retry: 'SAME_KEY', fields: [{ path }] },
    });
  });

  it('redirects browsers to the listed origins of the tenant only', async () => {
    const rules = { redirectOrigins: new Set(['https://one.example']) };
    const core = createTestCore({ rules, deps: { sandbox: false } });
    expect(await start(core, { redirectUrl: 'https://one.example/x' })).toMatchObject({
      kind: 'success',
    });
    for (const url of [
      'https://two.example/x',
      'https://one.example.evil.example/',
      'http://localhost/',
    ]) {
      expect(await start(core, { idempotencyKey: url, redirectUrl: url })).toMatchObject({
        problem: { fields: [{ path: 'redirectUrl' }] },
      });
    }
  });
});

describe('reading a verification', () => {
  it('queries the provider once a second for all readers', async () => {
    const core = createTestCore();
    const { id } = await started(core);
    core.provider.reply(() => pending);
    core.clock.ms += 2 * second;
    await Promise.all(Array.from({ length: 50 }, () => read(core, id)));
    core.clock.ms += 500;
    await read(core, id);
    expect(core.provider.ledger.filter(({ action }) => action === 'Result')).toHaveLength(1);
    core.clock.ms += 600;
    await read(core, id);
    expect(core.provider.ledger.filter(({ action }) => action === 'Result')).toHaveLength(2);
  });

  it('takes PASSED from the provider, and never changes it afterwards', async () => {
    const core = createTestCore();
    const { id } = await started(core);
    core.provider.reply(() => passedAnswer);
    core.clock.ms += 2 * second;
    expect(await read(core, id)).toMatchObject({ status: 'PASSED', launch: null, session: null });
    core.clock.ms += 10 * 24 * 3600 * second;
    expect(await read(core, id)).toMatchObject({ status: 'PASSED' });
    expect(core.provider.ledger).toHaveLength(2);
  });

  it('is EXPIRED only by a provider response from after the grace period', async () => {
    const core = createTestCore();
    const { id } = await started(core);
    core.provider.reply(() => pending);
    core.clock.ms += 601 * second;
    expect(await read(core, id)).toMatchObject({ status: 'PENDING' });
    core.clock.ms += 60 * second;
    expect(await read(core, id)).toMatchObject({
      status: 'EXPIRED',
      outcome: { reason: 'TIMED_OUT', billing: 'NOT_CHARGED', chargedAttempts: 0 },
    });
  });

  it('finds a pass of the last second ten minutes later', async () => {
    const core = createTestCore();
    const { id } = await started(core);
    core.provider.reply(() => passedAnswer);
    core.clock.ms += 1200 * second;
    expect(await read(core, id)).toMatchObject({ status: 'PASSED' });
  });

  it('keeps the status while the provider does not answer, also after expiry', async () => {
    const core = createTestCore();
    const { id } = await started(core);
    for (const kind of ['throttled', 'busy', 'internal', 'timeout', 'quota_exhausted'] as const) {
      core.provider.reply(failing(kind));
      core.clock.ms += 3600 * second;
      expect(await read(core, id)).toMatchObject({ status: 'PENDING', lastCheckedAtMs: null });
    }
  });

  it('ends UNDETERMINED after the grace period when no outcome can be had', async () => {
    const core = createTestCore();
    const { id } = await started(core);
    core.provider.reply(() => ({ kind: 'not_told', chargedAttempts: 1 }));
    core.clock.ms += 601 * second;
    expect(await read(core, id)).toMatchObject({ status: 'PENDING' });
    core.clock.ms += 60 * second;
    expect(await read(core, id)).toMatchObject({
      status: 'UNDETERMINED',
      outcome: { reason: 'NOT_LEARNT', billing: 'CHARGED' },
    });
  });

  it('ends UNDETERMINED without a query after the provider’s retention', async () => {
    const core = createTestCore();
    const { id } = await started(core);
    core.provider.reply(() => passedAnswer);
    core.clock.ms += (3 * 24 * 3600 + 1) * second;
    expect(await read(core, id)).toMatchObject({ status: 'UNDETERMINED' });
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('removes the launch once its URL is used up', async () => {
    const core = createTestCore();
    const { id } = await started(core);
    core.provider.reply(() => ({ ...pending, launchUsed: true }));
    core.clock.ms += 2 * second;
    expect(await read(core, id)).toMatchObject({ status: 'PENDING', launch: null });
  });

  it('keeps a terminal status that another writer set meanwhile', async () => {
    const core = createTestCore();
    const { id } = await started(core);
    core.provider.reply(async () => {
      const [stored] = await core.deps.store.records.get([id]);
      if (!stored) throw new Error('gone');
      const body = JSON.stringify({ ...JSON.parse(stored.body), status: 'PASSED' });
      await core.deps.store.records.replace(stored, ...kept(body));
      return { ...passedAnswer, result: { ...passedAnswer.result, status: 'FAILED' } };
    });
    core.clock.ms += 2 * second;
    expect(await read(core, id)).toMatchObject({ status: 'PASSED' });
  });

  it('sends no query for another user or tenant', async () => {
    const core = createTestCore();
    const { id } = await started(core);
    core.clock.ms += 2 * second;
    expect(await read(core, id, callerOf('stranger'))).toBeNull();
    expect(await read(core, id, callerOf('user-1', 'tenant-2'))).toBeNull();
    expect(core.provider.ledger).toHaveLength(1);
  });

  it('returns an error, not null, for an unreadable record', async () => {
    const core = createTestCore();
    const { id } = await started(core);
    const [stored] = await core.deps.store.records.get([id]);
    if (!stored) throw new Error('gone');
    await core.deps.store.records.replace(stored, ...kept('{"kind":"other"}'));
    expect(await read(core, id)).toBeInstanceOf(StoreUnavailable);
  });

  it('returns readable records beside an unreadable one', async () => {
    const core = createTestCore();
    const bad = await started(core);
    const good = await started(core, { idempotencyKey: 'other' });
    const [stored] = await core.deps.store.records.get([bad.id]);
    if (!stored) throw new Error('gone');
    await core.deps.store.records.replace(stored, ...kept('not JSON'));
    const found = await readVerifications(
      core.deps,
      callerOf(),
      [bad.id, good.id],
      core.deps.now() + 100,
    );
    expect(found).toMatchObject([{ name: 'StoreUnavailable' }, { id: good.id }]);
  });

  it('returns the known status at the caller’s deadline while the query continues', async () => {
    const core = createTestCore();
    const { id } = await started(core);
    core.provider.reply(async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return passedAnswer;
    });
    core.clock.ms += 2 * second;
    const { deps } = core;
    const readWithin = (ms: number) => readVerifications(deps, callerOf(), [id], deps.now() + ms);
    const first = readWithin(5000);
    expect(await readWithin(20)).toMatchObject([{ status: 'PENDING' }]);
    expect(await first).toMatchObject([{ status: 'PASSED' }]);
    expect(core.provider.ledger).toHaveLength(2);
  });

  it('returns a store error when the outcome could not be stored', async () => {
    const fault = storeFault('records', 'replace');
    const core = createTestCore({
      store: fault.store,
    });
    const { id } = await started(core);
    fault.isOn = true;
    core.provider.reply(() => passedAnswer);
    core.clock.ms += 2 * second;
    expect(await read(core, id)).toBeInstanceOf(StoreUnavailable);
  });
});

describe('a paid start whose record was stored although the reply was lost', () => {
  it('is found under its key, and keeps its later terminal status', async () => {
    const definition = probeWith({ actions: { Start: { effect } } });
    let isLost = true;
    let id = '';
    const core = createTestCore({
      definitions: [definition],
      store: (store) => ({
        ...store,
        records: {
          ...store.records,
          replace: async (...given) => {
            const written = await store.records.replace(...given);
            if (!isLost) return written;
            isLost = false;
            id = given[0].id;
            throw new StoreUnavailable();
          },
        },
      }),
    });
    core.provider.reply(
      () => ({}),
      () => passedAnswer,
    );
    expect(await start(core)).toMatchObject({ problem: { code: 'OUTCOME_UNKNOWN' } });
    core.clock.ms += 2 * second;
    expect(await read(core, id)).toMatchObject({ status: 'PASSED' });
    // The record has a later status, which settling the key again must not undo.
    const again = await until(async () => {
      const outcome = await start(core);
      return outcome.kind === 'success' ? outcome : null;
    });
    expect(again).toMatchObject({ replayed: true, verification: { id, status: 'PASSED' } });
    expect(core.provider.ledger.filter(({ action }) => action === 'Start')).toHaveLength(1);
  });
});

const effect = 'may_charge' as const;

describe('the return URL of a verification', () => {
  it('redirects with the verification id and the caller’s own query, and refreshes the outcome', async () => {
    const core = createTestCore();
    const redirectUrl = 'https://app.example/done?a=1&b=%20#part';
    const { id } = await started(core, { redirectUrl });
    const returnUrl = returnUrlOf(core);
    core.provider.reply(() => passedAnswer);
    core.clock.ms += 2 * second;
    const capability = returnUrl.replace('https://idv.example/return/', '');
    expect(await finishReturn(core.deps, capability)).toEqual({
      kind: 'redirect',
      url: `https://app.example/done?a=1&b=%20&verificationId=${id}#part`,
    });
    expect(core.provider.ledger).toHaveLength(2);
  });

  it('redirects when the outcome can neither be queried nor stored', async () => {
    const fault = storeFault('locks', 'take');
    const core = createTestCore({
      store: fault.store,
    });
    const { id } = await started(core, { redirectUrl: 'https://app.example/' });
    const capability = returnUrlOf(core).replace('https://idv.example/return/', '');
    fault.isOn = true;
    expect(await finishReturn(core.deps, capability)).toEqual({
      kind: 'redirect',
      url: `https://app.example/?verificationId=${id}`,
    });
  });

  it('shows a page when there is no redirectUrl, no valid link or no store', async () => {
    const fault = storeFault('records', 'get');
    const core = createTestCore({
      store: fault.store,
    });
    await started(core);
    const returnUrl = returnUrlOf(core);
    const capability = returnUrl.replace('https://idv.example/return/', '');
    expect(await finishReturn(core.deps, capability)).toEqual({
      kind: 'page',
      page: 'done',
      languages: ['zh', 'en'],
    });
    expect(await finishReturn(core.deps, 'made-up')).toEqual({
      kind: 'page',
      page: 'link_invalid',
    });
    fault.isOn = true;
    expect(await finishReturn(core.deps, capability)).toEqual({ kind: 'page', page: 'try_later' });
    core.clock.ms += (3 * 24 * 3600 + 1) * second;
    expect(await finishReturn(core.deps, capability)).toEqual({
      kind: 'page',
      page: 'link_invalid',
    });
  });

  it('rejects a capability with any bit flipped or of another purpose', () => {
    const { deps } = createTestCore();
    const sealed = sealCapability(deps.hashKeys, {
      purpose: 'return',
      recordId: 'ver_AAAAAAAAAAAAAAAAAAAAAA',
      expiresAtMs: deps.now() + 10_000,
    });
    expect(openCapability(deps.hashKeys, 'return', sealed, deps.now())).not.toBeNull();
    expect(openCapability(deps.hashKeys, 'callback', sealed, deps.now())).toBeNull();
    const bytes = Buffer.from(sealed, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const altered = Buffer.from(bytes);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const text = altered.toString('base64url');
      expect(openCapability(deps.hashKeys, 'return', text, deps.now())).toBeNull();
    }
  });
});
