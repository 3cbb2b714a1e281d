import { describe, expect, it } from 'vitest';
import {
  ProviderErrorResponse,
  type Notification,
  type OutcomeAnswer,
  type ProviderCall,
} from '../../src/contract/index.ts';
import { checkBankCard } from '../../src/core/bank-cards/check-bank-card.ts';
import { LimiterRefusal } from '../../src/ports/index.ts';
import { followUpVerification } from '../../src/core/verifications/follow-up-verification.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { receiveNotification } from '../../src/core/verifications/receive-notification.ts';
import { quotaOf, type RegisteredProvider } from '../../src/core/upstream/registry.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { redactUserData } from '../../src/core/redaction/redact-user-data.ts';
import { toLaunchState } from '../../src/graphql/launch-state.ts';
import { probeWith } from '../support/probe-with.ts';
import { probeRequest } from '../support/probe-request.ts';
import {
  allFour,
  callerOf,
  createTestCore,
  matched,
  passedAnswer,
  probe,
} from '../support/test-core.ts';
import { until } from '../support/until.ts';

const holder = { subject: { name: '韦小宝', idNumber: '11204416541220243X' } };

// Needs of other kinds of providers. Each was found when such a provider was written.

async function start(core: ReturnType<typeof createTestCore>, idempotencyKey = 'k') {
  const { deps } = core;
  const input = { idempotencyKey, channel: 'FACE_WEB' };
  const outcome = await startVerification(deps, callerOf(), input, deps.now() + 9000);
  if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
  return outcome.verification;
}

describe('a start whose response is the outcome', () => {
  it('ends at once, without a query', async () => {
    const definition = probeWith({
      channels: {
        FACE_WEB: {
          outcome: 'NONE',
          prepare: () => ({
            checks: ['IDENTITY_RECORD'],
            start: async () => ({
              ...{ launch: null, session: {}, expiresInSeconds: 60 },
              outcome: passedAnswer,
            }),
          }),
        },
      },
    });
    const core = createTestCore({ definitions: [definition] });
    const { id, status } = await start(core);
    expect(status).toBe('PASSED');
    core.clock.ms += 60_000;
    const [seen] = await readVerifications(core.deps, callerOf(), [id], core.deps.now() + 9000);
    expect(seen).toMatchObject({
      status: 'PASSED',
      outcome: { evidence: 'QUERIED' },
      session: null,
    });
    expect(core.provider.ledger).toEqual([]);
  });
});

describe('an access token that expires early', () => {
  it('is renewed within the operation, which is charged once', async () => {
    let fetched = 0;
    const definition = probeWith({
      faults: { ...probe.faults, TOKEN_EXPIRED: 'credentials' },
      actions: { Check: { retryableCodes: ['TOKEN_EXPIRED'] } },
      bankCard: allFour({
        action: 'Check',
        prepare: () => ({
          check: async (call: ProviderCall<unknown>) => {
            const obtain = () =>
              call.accessToken('api', async () => {
                fetched += 1;
                return { token: `t-${fetched}`, expiresInSeconds: 600 };
              });
            let token = await obtain();
            return call.send({
              action: 'Check',
              build: () => probeRequest('Check', { token: token.reveal() }),
              read: ({ body }) => {
                if (JSON.parse(body.toString('utf8')).expired) {
                  throw new ProviderErrorResponse('TOKEN_EXPIRED');
                }
                return matched;
              },
              renew: async () => {
                token = await obtain();
              },
            });
          },
        }),
      }),
    });
    const core = createTestCore({ definitions: [definition] });
    core.provider.reply(
      () => ({ expired: true }),
      () => ({}),
    );
    const input = {
      idempotencyKey: 'k',
      cardNumber: '6225768888888888',
      phone: '16137688175',
      ...holder,
    };
    const given = { ...input, maxAgeSeconds: 0 };
    const outcome = await checkBankCard(core.deps, callerOf(), given, core.deps.now() + 9000);
    expect(outcome).toMatchObject({ kind: 'success', check: { result: { outcome: 'MATCHED' } } });
    const tokens = core.provider.ledger.map(({ body }) => (body as { token: string }).token);
    expect(tokens).toEqual(['t-1', 't-2']);
  });
});

describe('a rate limit that several actions share', () => {
  it('is one quota, of the size of the action that owns it', () => {
    const definition = probeWith({
      actions: {
        Start: { perSecond: 2 },
        Result: { sharesLimitWith: 'Start' },
      },
    });
    const provider: RegisteredProvider = {
      ...{ definition, settings: {}, disabledReason: null, account: 'a' },
      accountName: 'default',
      perSecond: { Start: 3 },
    };
    expect(quotaOf(provider, 'Result')).toEqual(quotaOf(provider, 'Start'));
    expect(quotaOf(provider, 'Result').perSecond).toBe(3);
  });
});

describe('a notification by GET', () => {
  it.each([
    ['a hint when it has a query string', 'sid=1&ok=1', 1],
    ['ignored without one, as when a page is opened', '', 0],
  ])('is %s', async (_name, query, asked) => {
    const seen: string[] = [];
    const definition = probeWith({
      channels: {
        FACE_WEB: {
          notification: {
            verify: null,
            read: (given: { readonly query: string }) => {
              seen.push(given.query);
              return passedAnswer;
            },
            reply: { contentType: 'text/plain', body: 'ok' },
          },
        },
      },
    });
    const core = createTestCore({ definitions: [definition] });
    core.provider.reply(() => passedAnswer);
    await start(core);
    const urls = core.provider.ledger[0]?.body as Readonly<Record<string, string>>;
    const capability = urls['notifyUrl']?.split('/').at(-1) ?? '';
    core.clock.ms += 2000;
    const given = { method: 'GET', query, headers: {}, body: Buffer.alloc(0) } as const;
    const receipt = await receiveNotification(core.deps, 'probe', capability, given);
    expect(receipt.kind).toBe('received');
    if (asked > 0) await until(async () => core.provider.ledger.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(core.provider.ledger.length - 1).toBe(asked);
  });
});

describe('a launch that is made only after the start', () => {
  const launch = { kind: 'redirect', url: 'https://provider.example/later' } as const;
  const later = (channel: object = {}) =>
    createTestCore({
      definitions: [
        probeWith({
          channels: {
            FACE_WEB: {
              ...channel,
              prepare: () => ({
                checks: ['LIVENESS'],
                start: async () => ({
                  ...{ launch: null, launchFollows: true },
                  ...{ session: { id: 's' }, expiresInSeconds: 600 },
                }),
              }),
            },
          },
        }),
      ],
    });

  it('comes with a later answer, once, and opens the verification', async () => {
    const core = later();
    const { id, ...started } = await start(core);
    expect(started).toMatchObject({ launch: null, launchFollows: true, phase: 'PROCESSING' });
    core.provider.reply(
      () => ({ kind: 'pending' }),
      () => ({ kind: 'pending', launch, expiresInSeconds: 900 }),
      () => ({ kind: 'pending', launch: { ...launch, url: 'https://provider.example/other' } }),
    );
    expect(await seenLater(core, id)).toMatchObject({ launch: null, phase: 'PROCESSING' });
    const opened = await seenLater(core, id);
    expect(opened).toMatchObject({ launch, launchFollows: false, phase: 'WAITING_FOR_PERSON' });
    expect(opened.expiresAtMs).toBe(core.deps.now() + 900_000);
    expect(await seenLater(core, id)).toMatchObject({ launch, status: 'PENDING' });
  });

  it('lives as long as the start said if the answer gives no usable time', async () => {
    for (const expiresInSeconds of [undefined, null, Number.NaN, -1, 'soon']) {
      const core = later();
      const { id } = await start(core);
      // Null, because JSON has no NaN.
      core.provider.reply(() => ({ kind: 'pending', launch, expiresInSeconds }));
      const opened = await seenLater(core, id, 590_000);
      expect(opened).toMatchObject({ launch, expiresAtMs: core.deps.now() + 600_000 });
    }
  });

  it('counts as open until it has come, and as used up afterwards', async () => {
    const core = later();
    const { id } = await start(core);
    core.provider.reply(
      () => ({ kind: 'pending' }),
      () => ({ kind: 'pending', launch, expiresInSeconds: 900 }),
      () => ({ kind: 'pending', launchUsed: true, phase: 'UNDER_REVIEW' }),
    );
    const stateLater = async (laterMs: number) =>
      toLaunchState(await seenLater(core, id, laterMs), callerOf(), core.deps.now());
    expect(await stateLater(601_000)).toBe('OPEN');
    expect(await stateLater(2000)).toBe('OPEN');
    expect(await stateLater(2000)).toBe('USED');
    expect(await stateLater(24 * 3600 * 1000)).toBe('USED');
  });

  it('is not made a second time for another key, before it has come and after', async () => {
    const core = later({ reuse: { marginSeconds: 60 } });
    const { id } = await start(core);
    core.provider.reply(
      () => ({ kind: 'pending' }),
      () => ({ kind: 'pending', launch, expiresInSeconds: 900 }),
    );
    for (const key of ['two', 'three']) {
      core.clock.ms += 2000;
      expect(await start(core, key)).toMatchObject({ id });
    }
  });

  it('is handed out only if it is safe', async () => {
    const core = later();
    const { id } = await start(core);
    core.provider.reply(() => ({ kind: 'pending', launch: { ...launch, url: 'javascript:1' } }));
    expect(await seenLater(core, id)).toMatchObject({ launch: null, launchFollows: true });
  });
});

describe('a plugin that waits inside a start', () => {
  const polling = (times: number) =>
    probeWith({
      channels: {
        FACE_WEB: {
          prepare: () => ({
            checks: ['LIVENESS'],
            start: async (call: ProviderCall<unknown>) => {
              const ask = (action: string) =>
                call.send({
                  action,
                  build: () => probeRequest(action, {}),
                  read: () => null,
                });
              await ask('Start');
              for (let time = 0; time < times; time++) {
                await call.sleep(1000);
                await ask('Result');
              }
              return {
                launch: { kind: 'redirect', url: 'https://provider.example/go' },
                ...{ session: {}, expiresInSeconds: 600 },
              };
            },
          }),
        },
      },
    });

  it('may read until its deadline, whatever a first call may wait for its slot', async () => {
    const waits: number[] = [];
    const core = createTestCore({
      definitions: [polling(6)],
      limiter: {
        turn: async ({ withinMs }, steps) => {
          waits.push(withinMs);
          if (withinMs <= 0) throw new LimiterRefusal('no_slot_in_time', 1000);
          await steps?.prepare?.();
          return { isInTime: () => true, giveBack: () => {} };
        },
        backOff: async () => {},
      },
    });
    expect((await start(core)).launch).not.toBeNull();
    expect(core.provider.ledger.map(({ action }) => action)).toEqual([
      'Start',
      ...Array.from({ length: 6 }, () => 'Result'),
    ]);
    expect(Math.min(...waits)).toBeGreaterThan(0);
  });

  it('is told that its time is over, and not that a limit was reached', async () => {
    const slow = createTestCore({ definitions: [polling(20)] });
    await expect(start(slow)).rejects.toThrow('PROVIDER_UNAVAILABLE');
    const busy = createTestCore({
      definitions: [polling(1)],
      limiter: {
        turn: async ({ key }, steps) => {
          if (key.includes('Result')) throw new LimiterRefusal('no_slot_in_time', 1000);
          await steps?.prepare?.();
          return { isInTime: () => true, giveBack: () => {} };
        },
        backOff: async () => {},
      },
    });
    await expect(start(busy)).rejects.toThrow('PROVIDER_UNAVAILABLE');
  });
});

describe('a start whose time cannot be read', () => {
  it.each([undefined, null, 0, -1, Number.NaN, Infinity, 1e306, 1e13, '600'])(
    'is not lost, and lives as long as the provider keeps it: %s',
    async (expiresInSeconds) => {
      const definition = probeWith({
        channels: {
          FACE_WEB: {
            prepare: () => ({
              checks: ['LIVENESS'],
              start: async () => ({
                launch: { kind: 'redirect', url: 'https://provider.example/go' },
                ...{ session: {}, expiresInSeconds },
              }),
            }),
          },
        },
      });
      const core = createTestCore({ definitions: [definition] });
      const { launch, expiresAtMs } = await start(core);
      expect(launch).not.toBeNull();
      expect(expiresAtMs).toBe(core.deps.now() + 3 * 24 * 3600 * 1000);
    },
  );
});

describe('a review by people', () => {
  const dayMs = 24 * 3600 * 1000;
  const reviewed = (channel: object = {}, retentionDays = 30) =>
    createTestCore({
      definitions: [
        probeWith({ channels: { FACE_WEB: { retentionSeconds: 14 * 24 * 3600, ...channel } } }),
      ],
      rules: { retentionDays },
    });
  const notified = {
    verify: null,
    read: ({ body }: Notification) => JSON.parse(body.toString('utf8')) as OutcomeAnswer,
    reply: { contentType: 'text/plain', body: 'ok' },
  };
  const notify = (core: ReturnType<typeof createTestCore>, answer: object) => {
    const urls = core.provider.ledger[0]?.body as Readonly<Record<string, string>>;
    const capability = urls['notifyUrl']?.split('/').at(-1) ?? '';
    const body = Buffer.from(JSON.stringify(answer));
    const notification = { method: 'POST', query: '', headers: {}, body } as const;
    return receiveNotification(core.deps, 'probe', capability, notification);
  };

  it('whose provider only notifies ends with the notification, days later', async () => {
    const core = reviewed({ outcome: 'NOTIFICATION', notification: notified });
    const { id } = await start(core);
    await notify(core, { kind: 'pending', phase: 'UNDER_REVIEW', launchUsed: true });
    const waiting = { status: 'PENDING', phase: 'UNDER_REVIEW' };
    expect(await seenLater(core, id, 4 * dayMs)).toMatchObject(waiting);
    await followUpVerification(core.deps, id);
    expect(await notify(core, passedAnswer)).toMatchObject({ kind: 'received' });
    expect(await seenLater(core, id)).toMatchObject({ status: 'PASSED' });
  });

  it('is kept although an answer between says nothing', async () => {
    const core = reviewed();
    const { id } = await start(core);
    core.provider.reply(
      () => ({ kind: 'pending', phase: 'UNDER_REVIEW' }),
      () => ({ kind: 'not_told' }),
      () => passedAnswer,
    );
    await seenLater(core, id);
    expect(await seenLater(core, id, dayMs)).toMatchObject({ status: 'PENDING' });
    expect(await seenLater(core, id, dayMs)).toMatchObject({ status: 'PASSED' });
  });

  it('is found by a redaction, however short the retention is', async () => {
    const core = reviewed({}, 1);
    const { id } = await start(core);
    core.provider.reply(() => ({ kind: 'pending', phase: 'UNDER_REVIEW' }));
    expect(await seenLater(core, id, 8 * dayMs)).toMatchObject({ status: 'PENDING' });
    const caller = callerOf('user-1', 'tenant-1', ['verification:redact']);
    await redactUserData(core.deps, caller, 'user-1', core.deps.now() + 9000);
    expect(await seenLater(core, id)).toMatchObject({ session: null, launch: null });
  });

  it('does not expire, and is polled every minute at most', async () => {
    const core = reviewed();
    const { id } = await start(core);
    core.provider.reply(
      () => ({ kind: 'pending', phase: 'UNDER_REVIEW' }),
      () => ({ kind: 'pending' }),
      () => passedAnswer,
    );
    expect(await seenLater(core, id)).toMatchObject({ status: 'PENDING', phase: 'UNDER_REVIEW' });
    const polls = () => core.provider.ledger.filter(({ action }) => action === 'Result').length;
    await seenLater(core, id, 30_000);
    expect(polls()).toBe(1);
    expect(await seenLater(core, id, 4 * dayMs)).toMatchObject({
      ...{ status: 'PENDING', phase: 'UNDER_REVIEW' },
    });
    expect(polls()).toBe(2);
    expect(await seenLater(core, id, dayMs)).toMatchObject({ status: 'PASSED' });
  });

  it('is followed up every hour, and ends with what the provider keeps', async () => {
    const core = reviewed();
    const { id } = await start(core);
    core.provider.reply(() => ({ kind: 'pending', phase: 'UNDER_REVIEW' }));
    core.clock.ms += 3 * dayMs;
    const nextMs = await followUpVerification(core.deps, id);
    expect((nextMs ?? 0) - core.deps.now()).toBe(3_600_000);
    expect(await seenLater(core, id, 12 * dayMs)).toMatchObject({ status: 'UNDETERMINED' });
  });
});

async function seenLater(core: ReturnType<typeof createTestCore>, id: string, laterMs = 1001) {
  core.clock.ms += laterMs;
  const [found] = await readVerifications(core.deps, callerOf(), [id], core.deps.now() + 9000);
  if (!found || found instanceof Error) throw new Error('not readable');
  return found;
}
