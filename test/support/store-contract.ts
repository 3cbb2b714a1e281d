import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClaimTicket, LedgerEntry, ListEntry, Store } from '../../src/ports/index.ts';
import { kept } from './kept.ts';

export interface StoreUnderTest {
  readonly store: Store;
  /** Lets time pass for the store. */
  readonly pass: (ms: number) => Promise<void>;
  /** The ledger: kind and record of each entry that was not revoked. */
  readonly entries: () => Promise<readonly string[]>;
  /** Whether an entry comes twice if its step is repeated. */
  readonly mayRepeatEntries?: boolean;
  readonly end: () => Promise<void>;
}

/** What every implementation of the store must do. */
export function describeStore(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`${name}: claims`, () => {
    let tested: StoreUnderTest;
    beforeEach(async () => {
      tested = await create();
    });
    afterEach(() => tested.end());

    const ask = {
      key: 'key',
      fingerprint: 'print',
      recordId: 'ver_1',
      owner: 'owner-1',
      effect: 'may_charge',
      leaseMs: 1000,
    } as const;
    const answerTimes = { answerWithinMs: 500, keepSeconds: 60 };

    async function win(changes: Partial<Parameters<Store['claims']['take']>[0]> = {}) {
      const taken = await tested.store.claims.take({ ...ask, ...changes });
      if (taken.state !== 'won') throw new Error(`not won: ${taken.state}`);
      return taken.ticket;
    }

    it('give a free key to exactly one of a hundred', async () => {
      const all = await Promise.all(
        Array.from({ length: 100 }, (_, at) =>
          tested.store.claims.take({ ...ask, owner: `owner-${at}`, recordId: `ver_${at}` }),
        ),
      );
      expect(all.filter(({ state }) => state === 'won')).toHaveLength(1);
      expect(all.filter(({ state }) => state === 'claimed')).toHaveLength(99);
    });

    it('return the record id of a claim to others', async () => {
      await win();
      expect(await tested.store.claims.take({ ...ask, recordId: 'ver_2' })).toEqual({
        state: 'claimed',
        recordId: 'ver_1',
      });
    });

    it('refuse another fingerprint in every state', async () => {
      const ticket = await win();
      const other = { ...ask, fingerprint: 'other' };
      expect(await tested.store.claims.take(other)).toEqual({ state: 'mismatch' });
      await tested.store.claims.start(ticket, answerTimes);
      expect(await tested.store.claims.take(other)).toEqual({ state: 'mismatch' });
      await tested.store.claims.settle(ticket, 'done', 60);
      expect(await tested.store.claims.take(other)).toEqual({ state: 'mismatch' });
    });

    it('free a claim after its lease, and give the next owner a higher fence', async () => {
      const first = await win();
      await tested.pass(1001);
      const second = await win({ owner: 'owner-2' });
      expect(second.fence).toBeGreaterThan(first.fence);
    });

    it('do not start after their lease, even if no other owner came', async () => {
      const ticket = await win();
      await tested.pass(1001);
      expect(await tested.store.claims.start(ticket, answerTimes)).toBe(false);
    });

    it('do not start, settle or release with the ticket of a former owner', async () => {
      const late = await win();
      await tested.pass(1001);
      const ticket = await win({ owner: 'owner-2' });
      expect(await tested.store.claims.start(late, answerTimes)).toBe(false);
      expect(await tested.store.claims.release(late)).toBe(false);
      expect(await tested.store.claims.start(ticket, answerTimes)).toBe(true);
      expect(await tested.store.claims.settle(late, 'done', 60)).toBe(false);
      expect(await tested.store.claims.release(late)).toBe(false);
    });

    it('start once only', async () => {
      const ticket = await win();
      expect(await tested.store.claims.start(ticket, answerTimes)).toBe(true);
      expect(await tested.store.claims.start(ticket, answerTimes)).toBe(false);
    });

    it('start again, with a new deadline, only while started', async () => {
      const ticket = await win();
      expect(await tested.store.claims.startAgain(ticket, answerTimes)).toBe(false);
      const longTimes = { answerWithinMs: 3000, keepSeconds: 60 };
      await tested.store.claims.start(ticket, longTimes);
      await tested.pass(1600);
      expect(await tested.store.claims.startAgain(ticket, longTimes)).toBe(true);
      await tested.pass(1600);
      expect(await tested.store.claims.take(ask)).toMatchObject({ state: 'started' });
      await tested.pass(1600);
      expect(await tested.store.claims.startAgain(ticket, answerTimes)).toBe(false);
      expect(await tested.store.claims.take(ask)).toMatchObject({ state: 'unknown' });
      expect(await tested.store.claims.startAgain(ticket, answerTimes)).toBe(false);
    });

    it('do not start again when settled, free or of another owner', async () => {
      const ticket = await win();
      await tested.store.claims.start(ticket, answerTimes);
      const stranger = { ...ticket, owner: 'owner-2' };
      expect(await tested.store.claims.startAgain(stranger, answerTimes)).toBe(false);
      await tested.store.claims.settle(ticket, 'done', 60);
      expect(await tested.store.claims.startAgain(ticket, answerTimes)).toBe(false);
    });

    it('outlive their lease once started', async () => {
      const ticket = await win();
      await tested.store.claims.start(ticket, { answerWithinMs: 60_000, keepSeconds: 60 });
      await tested.pass(1001);
      expect(await tested.store.claims.take({ ...ask, owner: 'owner-2' })).toMatchObject({
        state: 'started',
      });
    });

    it('become unknown for good when a chargeable call gets no response', async () => {
      const ticket = await win();
      await tested.store.claims.start(ticket, answerTimes);
      await tested.pass(501);
      for (const owner of ['owner-2', 'owner-3']) {
        expect(await tested.store.claims.take({ ...ask, owner })).toEqual({
          state: 'unknown',
          recordId: 'ver_1',
        });
      }
    });

    it('free an unknown key only for its owner, who can prove that nothing was sent', async () => {
      const ticket = await win();
      await tested.store.claims.start(ticket, answerTimes);
      await tested.pass(501);
      expect(await tested.store.claims.take(ask)).toMatchObject({ state: 'unknown' });
      const stranger = { ...ticket, owner: 'owner-2' };
      expect(await tested.store.claims.release(stranger)).toBe(false);
      expect(await tested.store.claims.release(ticket)).toBe(true);
      expect(await tested.store.claims.take(ask)).toMatchObject({ state: 'won' });
    });

    it('are adopted without a start, once and by their owner only', async () => {
      const ticket = await win();
      const stranger = { ...ticket, owner: 'owner-2' };
      expect(await tested.store.claims.adopt(stranger, 60)).toBe(false);
      expect(await tested.store.claims.adopt(ticket, 60)).toBe(true);
      expect(await tested.store.claims.adopt(ticket, 60)).toBe(true);
      expect(await tested.store.claims.start(ticket, answerTimes)).toBe(false);
      expect(await tested.store.claims.take(ask)).toEqual({ state: 'done', recordId: 'ver_1' });
    });

    it('are not adopted once started or after their lease', async () => {
      const ticket = await win();
      await tested.store.claims.start(ticket, answerTimes);
      expect(await tested.store.claims.adopt(ticket, 60)).toBe(false);
      const late = await win({ key: 'late' });
      await tested.pass(1001);
      expect(await tested.store.claims.adopt(late, 60)).toBe(false);
    });

    it('lapse once after a free start without a response', async () => {
      const free = { ...ask, effect: 'free_start' } as const;
      const ticket = await win(free);
      await tested.store.claims.start(ticket, answerTimes);
      await tested.pass(501);
      expect(await tested.store.claims.take(free)).toEqual({ state: 'lapsed', recordId: 'ver_1' });
      expect(await tested.store.claims.take(free)).toMatchObject({ state: 'won' });
    });

    it('accept a definite result after unknown from the same ticket', async () => {
      const ticket = await win();
      await tested.store.claims.start(ticket, answerTimes);
      expect(await tested.store.claims.settle(ticket, 'unknown', 60)).toBe(true);
      expect(await tested.store.claims.settle(ticket, 'done', 60)).toBe(true);
      expect(await tested.store.claims.take(ask)).toEqual({ state: 'done', recordId: 'ver_1' });
    });

    it('never leave done', async () => {
      const ticket = await win();
      await tested.store.claims.start(ticket, answerTimes);
      await tested.store.claims.settle(ticket, 'done', 60);
      expect(await tested.store.claims.settle(ticket, 'unknown', 60)).toBe(false);
      expect(await tested.store.claims.release(ticket)).toBe(false);
      expect(await tested.store.claims.start(ticket, answerTimes)).toBe(false);
    });

    it('accept the same result twice', async () => {
      const ticket = await win();
      await tested.store.claims.start(ticket, answerTimes);
      for (const state of ['unknown', 'unknown', 'done', 'done'] as const) {
        expect(await tested.store.claims.settle(ticket, state, 60)).toBe(true);
      }
      const stranger = { ...ticket, fence: ticket.fence + 1 };
      expect(await tested.store.claims.settle(stranger, 'done', 60)).toBe(false);
    });

    it('do not settle before they start', async () => {
      const ticket = await win();
      expect(await tested.store.claims.settle(ticket, 'done', 60)).toBe(false);
    });

    it('free a released key at once', async () => {
      const ticket = await win();
      expect(await tested.store.claims.release(ticket)).toBe(true);
      await win({ owner: 'owner-2', fingerprint: 'other' });
    });

    it('expire after their time, and not before', async () => {
      const ticket: ClaimTicket = await win();
      await tested.store.claims.start(ticket, answerTimes);
      await tested.store.claims.settle(ticket, 'done', 4);
      await tested.pass(1500);
      expect(await tested.store.claims.take(ask)).toMatchObject({ state: 'done' });
      await tested.pass(2600);
      expect(await tested.store.claims.take(ask)).toMatchObject({ state: 'won' });
    });
  });

  describe(`${name}: records`, () => {
    let tested: StoreUnderTest;
    beforeEach(async () => {
      tested = await create();
    });
    afterEach(() => tested.end());

    it('are returned in the requested order, with null for missing ones', async () => {
      await tested.store.records.create('a', ...kept('{"n":1}'));
      await tested.store.records.create('b', ...kept('{"n":2}'));
      const found = await tested.store.records.get(['b', 'none', 'a', 'b']);
      expect(found.map((record) => record?.body ?? null)).toEqual([
        '{"n":2}',
        null,
        '{"n":1}',
        '{"n":2}',
      ]);
    });

    it('are replaced only from the version that was read', async () => {
      await tested.store.records.create('a', ...kept('one'));
      const [read] = await tested.store.records.get(['a']);
      if (!read) throw new Error('not found');
      const results = await Promise.all(
        ['two', 'three'].map((body) => tested.store.records.replace(read, ...kept(body))),
      );
      const [written, ...others] = results.filter((result) => result !== null);
      expect(others).toEqual([]);
      expect(await tested.store.records.replace(read, ...kept('four'))).toBeNull();
      // A written version can be replaced without reading it again.
      if (!written) throw new Error('nobody wrote');
      expect(await tested.store.records.replace(written, ...kept('five'))).not.toBeNull();
      const [now] = await tested.store.records.get(['a']);
      expect(now).toMatchObject({ version: 3, body: 'five' });
    });

    it('never come back after their removal', async () => {
      await tested.store.records.create('a', ...kept('one'));
      const [read] = await tested.store.records.get(['a']);
      if (!read) throw new Error('not found');
      await tested.store.records.remove('a');
      expect(await tested.store.records.replace(read, ...kept('two'))).toBeNull();
      expect(await tested.store.records.get(['a'])).toEqual([null]);
    });

    it('expire after their time', async () => {
      await tested.store.records.create('a', ...kept('one', 1));
      await tested.pass(1100);
      expect(await tested.store.records.get(['a'])).toEqual([null]);
    });

    it('have separate expiries for their two parts', async () => {
      const { records } = tested.store;
      const life = { seconds: 60, personalSeconds: 1 };
      await records.create('a', { body: 'one', personal: 'secret' }, life);
      expect(await records.get(['a'])).toMatchObject([{ body: 'one', personal: 'secret' }]);
      await tested.pass(1100);
      const [read] = await records.get(['a']);
      expect(read).toMatchObject({ body: 'one', personal: null });
      if (!read) throw new Error('not found');
      await records.replace(
        read,
        { body: 'two', personal: 'late' },
        { ...life, personalSeconds: 0 },
      );
      expect(await records.get(['a'])).toMatchObject([{ body: 'two', personal: null }]);
    });

    it('lose a personal part that is replaced by null or removed', async () => {
      const { records } = tested.store;
      const life = { seconds: 60, personalSeconds: 60 };
      const parts = { body: 'one', personal: 'secret' };
      await records.create('a', parts, life);
      const [read] = await records.get(['a']);
      if (!read) throw new Error('not found');
      await records.replace(read, { body: 'two', personal: null }, life);
      expect(await records.get(['a'])).toMatchObject([{ body: 'two', personal: null }]);
      await records.create('b', parts, life);
      await records.remove('b');
      await records.create('b', { body: 'new', personal: null }, life);
      expect(await records.get(['b'])).toMatchObject([{ body: 'new', personal: null }]);
    });

    it('the store answers a ping', async () => {
      await expect(tested.store.ping()).resolves.toBeUndefined();
    });
  });

  describe(`${name}: ledger`, () => {
    let tested: StoreUnderTest;
    beforeEach(async () => {
      tested = await create();
    });
    afterEach(() => tested.end());

    const times = { answerWithinMs: 60_000, keepSeconds: 60 };
    const entry = (recordId: string): readonly LedgerEntry[] => [
      { kind: 'charge', atMs: 1, recordId, tenantId: 'acme' },
    ];
    const ended = (recordId: string): readonly LedgerEntry[] => [
      { kind: 'ended', atMs: 1, recordId, tenantId: 'acme' },
    ];
    async function win(owner = 'owner-1', leaseMs = 60_000) {
      const taken = await tested.store.claims.take({
        ...{ key: 'key', fingerprint: 'print', recordId: 'ver_1', owner },
        ...{ effect: 'may_charge', leaseMs },
      });
      if (taken.state !== 'won') throw new Error(`not won: ${taken.state}`);
      return taken.ticket;
    }

    it('gets the entries of a step that was done', async () => {
      const { claims, records } = tested.store;
      const ticket = await win();
      await claims.start(ticket, times, entry('start'));
      await claims.startAgain(ticket, times, entry('again'));
      await claims.settle(ticket, 'unknown', 60, entry('unknown'));
      await claims.settle(ticket, 'done', 60, entry('done'));
      const written = await records.create('a', ...kept('one'));
      const [parts, life] = kept('two');
      await records.replace(written, parts, life, [...entry('first'), ...entry('second')]);
      await tested.store.ledger.append(entry('alone'));
      expect(await tested.entries()).toEqual(
        ['start', 'again', 'unknown', 'done', 'first', 'second', 'alone'].map(
          (id) => `charge ${id}`,
        ),
      );
    });

    it('gets the entry of a release', async () => {
      const ticket = await win();
      await tested.store.claims.start(ticket, times);
      await tested.store.claims.release(ticket, entry('released'));
      expect(await tested.entries()).toEqual(['charge released']);
    });

    it('gets the entry of a state once, also if another request found that state first', async () => {
      const { claims } = tested.store;
      const ticket = await win();
      await claims.start(ticket, { ...times, answerWithinMs: 500 });
      await tested.pass(501);
      const found = await claims.take({
        ...{ key: 'key', fingerprint: 'print', recordId: 'ver_2', owner: 'owner-2' },
        ...{ effect: 'may_charge', leaseMs: 1000 },
      });
      expect(found).toMatchObject({ state: 'unknown' });
      for (let time = 0; time < 2; time++) {
        expect(await claims.settle(ticket, 'unknown', 60, entry('lost'))).toBe(true);
      }
      expect(new Set(await tested.entries())).toEqual(new Set(['charge lost']));
      // A cluster cannot tell whether only the reply was lost.
      const { length } = await tested.entries();
      expect(length).toBe(tested.mayRepeatEntries ? 2 : 1);
    });

    it('gets none of a step that was not done', async () => {
      const { claims, records } = tested.store;
      const late = await win('owner-1', 1000);
      await tested.pass(1001);
      const ticket = await win('owner-2');
      expect(await claims.start(late, times, ended('a'))).toBe(false);
      expect(await claims.startAgain(ticket, times, ended('b'))).toBe(false);
      expect(await claims.settle(ticket, 'done', 60, ended('c'))).toBe(false);
      expect(await claims.release(late, ended('d'))).toBe(false);
      const written = await records.create('a', ...kept('one'));
      await records.replace(written, ...kept('two'));
      const [parts, life] = kept('three');
      expect(await records.replace(written, parts, life, ended('e'))).toBeNull();
      expect(await tested.entries()).toEqual([]);
    });

    it('knows the text that was noted last', async () => {
      const { noted } = tested.store.ledger;
      expect(await noted.read()).toBeNull();
      expect(await noted.replace('other', 'one', entry('a'))).toBe(false);
      const both = await Promise.all(
        ['one', 'two'].map((text) => noted.replace(null, text, entry(text))),
      );
      expect(both.filter(Boolean)).toHaveLength(1);
      const text = (await noted.read()) ?? '';
      expect(await noted.replace(text, 'three', [])).toBe(true);
      expect(await tested.entries()).toEqual([`charge ${text}`]);
    });
  });

  describe(`${name}: cache and locks`, () => {
    let tested: StoreUnderTest;
    beforeEach(async () => {
      tested = await create();
    });
    afterEach(() => tested.end());

    it('keep a cached value for its time', async () => {
      const { cache } = tested.store;
      expect(await cache.get('a')).toBeNull();
      await cache.set('a', 'one', 1);
      await cache.set('b', 'two', 60);
      expect(await cache.get('a')).toBe('one');
      await cache.set('b', 'three', 60);
      await tested.pass(1100);
      expect(await cache.get('a')).toBeNull();
      expect(await cache.get('b')).toBe('three');
      await cache.remove(['b', 'never there']);
      expect(await cache.get('b')).toBeNull();
    });

    it('give a lock to one owner until that owner releases it', async () => {
      const { locks } = tested.store;
      const taken = await Promise.all(['x', 'y', 'z'].map((who) => locks.take('a', who, 5000)));
      expect(taken.filter(Boolean)).toHaveLength(1);
      const owner = ['x', 'y', 'z'][taken.indexOf(true)] ?? '';
      expect(await locks.release('a', 'stranger')).toBe(false);
      expect(await locks.renew('a', 'stranger', 5000)).toBe(false);
      expect(await locks.take('a', 'other', 5000)).toBe(false);
      expect(await locks.release('a', owner)).toBe(true);
      expect(await locks.take('a', 'other', 5000)).toBe(true);
    });

    it('end a lock at its time, which its owner may extend', async () => {
      const { locks } = tested.store;
      await locks.take('a', 'x', 1500);
      expect(await locks.renew('a', 'x', 3000)).toBe(true);
      await tested.pass(1600);
      expect(await locks.take('a', 'y', 3000)).toBe(false);
      await tested.pass(1600);
      expect(await locks.renew('a', 'x', 3000)).toBe(false);
      expect(await locks.take('a', 'y', 3000)).toBe(true);
      expect(await locks.release('a', 'x')).toBe(false);
    });
  });

  describe(`${name}: lists`, () => {
    let tested: StoreUnderTest;
    beforeEach(async () => {
      tested = await create();
    });
    afterEach(() => tested.end());

    it('give pages of the newest entries first, also for equal times', async () => {
      const { lists } = tested.store;
      const entries = [
        ['b', 20],
        ['a', 10],
        ['d', 20],
        ['c', 20],
        ['e', 30],
      ] as const;
      const startMs = Date.now();
      for (const [id, at] of entries) await lists.add('l', { id, atMs: startMs + at }, 3600);
      const ids: string[] = [];
      for (let after: ListEntry | null = null; ;) {
        const page: readonly ListEntry[] = await lists.page('l', after, 2);
        ids.push(...page.map(({ id }) => id));
        after = page.at(-1) ?? null;
        if (page.length < 2) break;
      }
      expect(ids.join('')).toBe('edcba');
      expect(await lists.page('other', null, 10)).toEqual([]);
      await lists.remove('l', ['d', 'e']);
      expect((await lists.page('l', null, 10)).map(({ id }) => id).join('')).toBe('cba');
      await lists.remove('l', []);
    });

    it('continue after an entry that was removed', async () => {
      const { lists } = tested.store;
      const startMs = Date.now();
      for (const [at, id] of ['a', 'b', 'c'].entries()) {
        await lists.add('l', { id, atMs: startMs + at }, 3600);
      }
      await lists.remove('l', ['b']);
      const after = { id: 'b', atMs: startMs + 1 };
      expect((await lists.page('l', after, 10)).map(({ id }) => id)).toEqual(['a']);
    });

    it('expire with their newest entry, and drop entries that are too old', async () => {
      const { lists } = tested.store;
      await lists.add('l', { id: 'old', atMs: Date.now() - 3000 }, 3600);
      await lists.add('l', { id: 'new', atMs: Date.now() }, 2);
      expect((await lists.page('l', null, 10)).map(({ id }) => id)).toEqual(['new']);
      await tested.pass(2100);
      expect(await lists.page('l', null, 10)).toEqual([]);
    });
  });
}
