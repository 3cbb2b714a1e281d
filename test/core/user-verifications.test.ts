import { readUserList } from '../../src/core/records/read-user-list.ts';
import { isRecordId } from '../../src/core/records/records.ts';
import { describe, expect, it } from 'vitest';
import type { AnyProvider, OutcomeAnswer } from '../../src/contract/index.ts';
import { StoreUnavailable, type Store } from '../../src/ports/index.ts';
import type { Caller } from '../../src/core/callers/caller.ts';
import type { CoreDeps } from '../../src/core/core-deps.ts';
import { Secret } from '../../src/contract/index.ts';
import {
  readLatestPassed,
  readListPage,
  type ReadVerifications,
  type Readers,
} from '../../src/core/verifications/read-user-verifications.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { redactUserData } from '../../src/core/redaction/redact-user-data.ts';
import { redactVerification } from '../../src/core/redaction/redact-verification.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { userPasses, userRecords } from '../../src/core/records/user-records.ts';
import { probeWith } from '../support/probe-with.ts';
import {
  probe,
  callerOf,
  createTestCore,
  failing,
  passedAnswer,
  type TestCore,
} from '../support/test-core.ts';

const second = 1000;
const day = 24 * 3600 * second;
const failed = {
  ...passedAnswer,
  result: { ...passedAnswer.result, status: 'FAILED', reason: 'FACE_MISMATCH' },
} as const satisfies OutcomeAnswer;

/** A provider that attests these checks. */
function attesting(id: string, checks: readonly string[]): AnyProvider {
  const face = probe.channels['FACE_WEB'] as unknown as {
    readonly prepare: (...given: unknown[]) => object;
  };
  const prepare = (...given: unknown[]) => ({ ...face.prepare(...given), checks });
  return probeWith({ id, channels: { FACE_WEB: { checks, prepare } } });
}

function begin(changes: Parameters<typeof createTestCore>[0] = {}): TestCore {
  const definitions = [
    attesting('probe', ['LIVENESS']),
    attesting('deed', ['LIVENESS', 'DOCUMENT']),
  ];
  return createTestCore({ definitions, ...changes });
}

async function start(
  { deps }: TestCore,
  idempotencyKey: string,
  changes: { readonly caller?: Caller; readonly provider?: string; readonly userId?: string } = {},
) {
  const { caller = callerOf(), ...rest } = changes;
  const input = { idempotencyKey, channel: 'FACE_WEB', provider: 'probe', ...rest };
  const outcome = await startVerification(deps, caller, input, deps.now() + 9000);
  if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
  return outcome.verification.id;
}

/** Starts a verification, and ends it with this outcome two seconds later. */
async function end(
  core: TestCore,
  key: string,
  answer: object,
  changes: Parameters<typeof start>[2] = {},
) {
  core.provider.reply(() => ({}));
  const id = await start(core, key, changes);
  core.clock.ms += 2 * second;
  core.provider.reply(() => answer);
  await readerOf(core.deps, changes.caller ?? callerOf())([id]);
  return id;
}

function readerOf(deps: CoreDeps, caller: Caller): ReadVerifications {
  return (ids) => readVerifications(deps, caller, ids, deps.now() + 9000);
}

function readersOf(deps: CoreDeps, caller: Caller): Readers {
  return {
    records: readerOf(deps, caller),
    page: (page) => readListPage(deps, caller, page),
  };
}

async function list(
  { deps }: TestCore,
  asked: Partial<Parameters<typeof readUserList>[3]> = {},
  { caller = callerOf(), userId = 'user-1' } = {},
) {
  const page = { first: 100, after: null, deadlineMs: deps.now() + 9000, ...asked };
  const { records, page: readPage } = readersOf(deps, caller);
  return readUserList(deps, caller, userId, page, {
    records,
    page: (after) => readPage({ userId, list: 'verifications', after }),
    isId: (id) => isRecordId('verification', id),
  });
}

async function idsOf(...given: Parameters<typeof list>) {
  return (await list(...given)).listed.map(({ entry }) => entry.id);
}

async function latest(
  { deps }: TestCore,
  wanted: Partial<Parameters<typeof readLatestPassed>[3]> = {},
  { caller = callerOf(), userId = 'user-1' } = {},
) {
  const asked = { checks: [], maxAgeDays: null, deadlineMs: deps.now() + 9000, ...wanted };
  const found = await readLatestPassed(deps, caller, userId, asked, readersOf(deps, caller));
  return found?.id ?? null;
}

describe('the verifications of a user', () => {
  it('are listed newest first, in pages, each exactly once', async () => {
    const core = begin();
    const all: string[] = [];
    for (let at = 0; at < 25; at++) {
      all.unshift(await start(core, `k${at}`));
      // Some start at the same time.
      if (at % 3 === 0) core.clock.ms += 1;
    }
    const seen: string[] = [];
    let after: Parameters<typeof readUserList>[3]['after'] = null;
    let pages = 0;
    for (let more = true; more; pages++) {
      const page = await list(core, { first: 7, after });
      seen.push(...page.listed.map(({ entry }) => entry.id));
      after = page.listed.at(-1)?.entry ?? null;
      more = page.hasMore;
    }
    expect(pages).toBe(4);
    expect(seen.toSorted()).toEqual(all.toSorted());
    const times = await Promise.all(seen.map(async (id) => (await readOne(core, id)).createdAtMs));
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(await list(core, { first: 0 })).toEqual({ listed: [], hasMore: false });
    expect(await list(core, { first: 25 })).toMatchObject({ hasMore: false });
  });

  it('include only those of this tenant that the caller may see', async () => {
    const core = begin();
    const mine = await start(core, 'a');
    const theirs = await start(core, 'b', { caller: callerOf('user-2') });
    await start(core, 'c', { caller: callerOf('user-1', 'tenant-2') });
    expect(await idsOf(core)).toEqual([mine]);
    expect(await idsOf(core, {}, { userId: 'user-2' })).toEqual([]);
    const desk = callerOf('desk', 'tenant-1', ['verification:any-user']);
    expect(await idsOf(core, {}, { caller: desk, userId: 'user-2' })).toEqual([theirs]);
    const started = await start(core, 'd', { caller: desk, userId: 'user-2' });
    const user2 = { caller: callerOf('user-2'), userId: 'user-2' };
    expect((await idsOf(core, {}, user2)).toSorted()).toEqual([theirs, started].toSorted());
  });

  it('exclude failed starts and reused launches', async () => {
    const channels = { FACE_WEB: { reuse: { marginSeconds: 60 } } };
    const definition = probeWith({ channels });
    const core = createTestCore({ definitions: [definition] });
    const id = await start(core, 'one');
    expect(await start(core, 'two')).toBe(id);
    core.clock.ms += 599 * second;
    core.provider.reply(failing('rejected'));
    await expect(start(core, 'three')).rejects.toThrow('PROVIDER_REJECTED');
    expect(await idsOf(core)).toEqual([id]);
    // A failed start is not even listed.
    const owner = { tenantId: 'tenant-1', userId: 'user-1' };
    expect(await userRecords(core.deps, owner, 'verification').page(null, 10)).toHaveLength(2);
  });

  it('are found under both hash keys during a rotation', async () => {
    const core = begin();
    const [oldKey] = core.deps.hashKeys;
    const old = await start(core, 'old');
    core.clock.ms += second;
    const newKey = { kid: 'k2', key: new Secret(Buffer.alloc(32, 9).toString('base64')) };
    const rotated: TestCore = { ...core, deps: { ...core.deps, hashKeys: [newKey, oldKey] } };
    const young = await start(rotated, 'young');
    expect(await idsOf(rotated)).toEqual([young, old]);
  });

  it('report the one that cannot be read, and list the others', async () => {
    let bad = '';
    const core = begin({
      store: (store: Store) => ({
        ...store,
        records: {
          ...store.records,
          get: async (ids) =>
            (await store.records.get(ids)).map((found) =>
              found?.id === bad ? { ...found, body: 'not JSON' } : found,
            ),
        },
      }),
    });
    const good = await start(core, 'good');
    bad = await start(core, 'bad');
    const { listed } = await list(core);
    expect(listed).toHaveLength(2);
    for (const { entry, item } of listed) {
      if (entry.id === bad) expect(item).toBeInstanceOf(StoreUnavailable);
      else expect(item).toMatchObject({ id: good });
    }
  });
});

async function readOne({ deps }: TestCore, id: string) {
  const [record] = await readerOf(deps, callerOf())([id]);
  if (!record || record instanceof Error) throw new Error('not readable');
  return record;
}

describe('the latest passed verification of a user', () => {
  it('is the last one that passed, not a failed or open one', async () => {
    const core = begin();
    expect(await latest(core)).toBeNull();
    await end(core, 'a', passedAnswer);
    core.clock.ms += day;
    const newest = await end(core, 'b', passedAnswer);
    await end(core, 'c', failed);
    core.provider.reply(() => ({}));
    await start(core, 'd');
    expect(await latest(core)).toBe(newest);
  });

  it('is the one that passed last, also when it was started first', async () => {
    const core = begin();
    const early = await start(core, 'early');
    core.clock.ms += 2 * second;
    await end(core, 'quick', passedAnswer);
    core.clock.ms += 2 * second;
    expect(await readOne(core, early)).toMatchObject({ status: 'PASSED' });
    expect(await latest(core)).toBe(early);
  });

  it('is found when newer ones were started long after it', async () => {
    const core = begin();
    const early = await start(core, 'early');
    core.clock.ms += day;
    await end(core, 'in between', failed);
    core.clock.ms += day;
    await end(core, 'quick', passedAnswer);
    core.clock.ms += 3600 * second;
    core.provider.reply(() => passedAnswer);
    expect(await readOne(core, early)).toMatchObject({ status: 'PASSED' });
    expect(await latest(core)).toBe(early);
  });

  it('costs as much to look for with thousands of failed ones as with a few', async () => {
    const read: string[] = [];
    const core = begin({
      store: (store: Store) => ({
        ...store,
        records: {
          ...store.records,
          get: async (ids) => {
            read.push(...ids);
            return store.records.get(ids);
          },
        },
      }),
    });
    const passed = await end(core, 'passed', passedAnswer);
    const owner = { tenantId: 'tenant-1', userId: 'user-1' };
    const many = userRecords(core.deps, owner, 'verification');
    for (let at = 0; at < 5000; at++) {
      await many.add({ id: `ver_${String(at).padStart(22, '0')}`, atMs: core.clock.ms + at });
    }
    read.length = 0;
    expect(await latest(core)).toBe(passed);
    expect(await latest(core, { checks: ['INTENTION'] })).toBeNull();
    expect(read.length).toBeLessThan(60);
  });

  it('is not one that was redacted, or that is only listed as passed', async () => {
    const core = begin();
    const id = await end(core, 'redacted', passedAnswer);
    const owner = { tenantId: 'tenant-1', userId: 'user-1' };
    const passes = userPasses(core.deps, owner);
    expect(await passes.page(null, 10)).toMatchObject([{ id }]);
    const caller = callerOf('user-1', 'tenant-1', ['verification:redact']);
    await redactUserData(core.deps, caller, 'user-1', core.deps.now() + 9000);
    expect(await passes.page(null, 10)).toEqual([]);
    // As after a crash between the index and the record.
    await passes.add({ id, atMs: core.clock.ms });
    await passes.add({ id: await end(core, 'failed', failed), atMs: core.clock.ms });
    expect(await latest(core)).toBeNull();
  });

  it('ignores completion times in the future for its age', async () => {
    const core = begin();
    const completedAtMs = core.clock.ms + 30 * day;
    const result = { ...passedAnswer.result, completedAtMs };
    const future = await end(core, 'future', { ...passedAnswer, result });
    core.clock.ms += 20 * day;
    expect(await latest(core, { maxAgeDays: 1 })).toBeNull();
    const newer = await end(core, 'newer', passedAnswer);
    expect(await latest(core)).toBe(newer);
    expect(newer).not.toBe(future);
  });

  it('attests at least the requested checks', async () => {
    const core = begin();
    const deed = await end(core, 'deed', passedAnswer, { provider: 'deed' });
    core.clock.ms += day;
    const plain = await end(core, 'plain', passedAnswer);
    expect(await latest(core, { checks: ['LIVENESS'] })).toBe(plain);
    expect(await latest(core, { checks: ['DOCUMENT'] })).toBe(deed);
    expect(await latest(core, { checks: ['DOCUMENT', 'LIVENESS'] })).toBe(deed);
    expect(await latest(core, { checks: ['INTENTION'] })).toBeNull();
  });

  it('is not older than maxAgeDays', async () => {
    const core = begin();
    const id = await end(core, 'a', passedAnswer);
    core.clock.ms += 10 * day;
    expect(await latest(core, { maxAgeDays: 10 })).toBe(id);
    expect(await latest(core, { maxAgeDays: 9 })).toBeNull();
    core.clock.ms += 1;
    expect(await latest(core, { maxAgeDays: 10 })).toBeNull();
  });

  it('is found behind hundreds that did not pass', async () => {
    const core = begin();
    const id = await end(core, 'passed', passedAnswer);
    core.provider.reply(() => ({}));
    core.clock.ms += second;
    for (let at = 0; at < 230; at++) await start(core, `k${at}`);
    core.provider.reply(() => ({ kind: 'pending', chargedAttempts: 0 }));
    expect(await latest(core)).toBe(id);
  });

  it('never belongs to another user or tenant', async () => {
    const core = begin();
    await end(core, 'a', passedAnswer);
    expect(await latest(core, {}, { caller: callerOf('user-2'), userId: 'user-1' })).toBeNull();
    expect(await latest(core, {}, { caller: callerOf('user-1', 'tenant-2') })).toBeNull();
  });

  it('is null after its redaction', async () => {
    const core = begin();
    const id = await end(core, 'a', passedAnswer);
    const eraser = callerOf('user-1', 'tenant-1', ['verification:redact']);
    await redactVerification(core.deps, eraser, id);
    expect(await latest(core)).toBeNull();
  });

  it('is an error, never null, when a candidate cannot be read', async () => {
    let broken = false;
    const core = begin({
      store: (store: Store) => ({
        ...store,
        records: {
          ...store.records,
          get: async (ids) =>
            (await store.records.get(ids)).map((found) =>
              broken && found ? { ...found, body: 'not JSON' } : found,
            ),
        },
      }),
    });
    await end(core, 'a', passedAnswer);
    broken = true;
    await expect(latest(core)).rejects.toThrow(StoreUnavailable);
  });
});
