import { createHmac, timingSafeEqual } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type {
  AnyProvider,
  Notification,
  NotificationContext,
  OutcomeAnswer,
  ProviderCall,
  VerifyContext,
} from '../../src/contract/index.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { receiveNotification } from '../../src/core/verifications/receive-notification.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { StoreUnavailable, type Limiter } from '../../src/ports/index.ts';
import { probeWith } from '../support/probe-with.ts';
import { probeRequest } from '../support/probe-request.ts';
import { callerOf, createTestCore, failing, passedAnswer } from '../support/test-core.ts';

const secret = 'whsec';
const reply = { contentType: 'text/plain', body: 'thanks' };
const windowMs = 300_000;

interface Event {
  readonly reference: string;
  readonly answer: OutcomeAnswer;
}

/** The probe with signed notifications that repeat our reference. `reads` counts the parsed ones. */
function signing(reads: { count: number }): AnyProvider {
  const parse = ({ body }: Notification): Event => {
    reads.count += 1;
    return JSON.parse(body.toString('utf8')) as Event;
  };
  return probeWith({
    channels: {
      FACE_WEB: {
        outcome: 'NOTIFICATION',
        notification: {
          verify: (
            { headers, body }: Notification,
            { nowMs }: NotificationContext<unknown>,
          ): { kind: 'genuine'; deliveryId: string } | { kind: 'refused' } => {
            const given = Buffer.from(headers['x-signature'] ?? '', 'hex');
            const due = mac(headers['x-time'] ?? '', body);
            const isFresh = Math.abs(nowMs - Number(headers['x-time'])) <= windowMs;
            const isGenuine = given.length === due.length && timingSafeEqual(given, due) && isFresh;
            return isGenuine
              ? {
                  kind: 'genuine',
                  deliveryId: headers['x-delivery'] ?? headers['x-signature'] ?? '',
                }
              : { kind: 'refused' };
          },
          read: (notification: Notification) => parse(notification).answer,
          referenceOf: (notification: Notification) => parse(notification).reference,
          reply,
        },
      },
    },
  });
}

function mac(time: string, body: Buffer): Buffer {
  return createHmac('sha256', secret).update(`${time}.`).update(body).digest();
}

async function begin() {
  const reads = { count: 0 };
  const core = createTestCore({ definitions: [signing(reads)] });
  const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
  const started = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
  if (started.kind !== 'success') throw new Error(started.problem.code);
  const { id } = started.verification;
  const urls = core.provider.ledger[0]?.body as Readonly<Record<string, string>>;

  const deliver = (
    to: string,
    changes: {
      readonly event?: Partial<Event>;
      readonly atMs?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly tamper?: (body: Buffer) => Buffer;
    } = {},
  ) => {
    const event = { reference: urls['reference'], answer: passedAnswer, ...changes.event };
    const body = Buffer.from(JSON.stringify(event));
    const time = String(changes.atMs ?? core.deps.now());
    const headers = { 'x-time': time, 'x-signature': mac(time, body).toString('hex') };
    return receiveNotification(core.deps, 'probe', to, {
      method: 'POST',
      query: '',
      headers: { ...headers, ...changes.headers },
      body: changes.tamper?.(body) ?? body,
    });
  };
  const status = async () => {
    const [record] = await readVerifications(core.deps, callerOf(), [id], core.deps.now() + 9000);
    return record instanceof Error ? null : record?.status;
  };
  return {
    core,
    id,
    urls,
    reads,
    deliver,
    status,
    own: urls['notifyUrl']?.split('/').at(-1) ?? '',
  };
}

describe('a signed notification', () => {
  it('is applied when the signature is the provider’s', async () => {
    const { own, deliver, status } = await begin();
    expect(await deliver(own)).toEqual({ kind: 'received', reply });
    expect(await status()).toBe('PASSED');
  });

  it.each<[string, Parameters<Awaited<ReturnType<typeof begin>>['deliver']>[1]]>([
    ['was altered', { tamper: (body) => Buffer.from(String(body).replace('PASSED', 'FAILED')) }],
    ['lacks its signature', { headers: { 'x-signature': '' } }],
    ['has a wrong signature', { headers: { 'x-signature': 'ab'.repeat(32) } }],
    ['is an hour old', { atMs: 1_800_000_000_000 - 3_600_000 }],
  ])('is refused before it is read when it %s', async (_name, changes) => {
    const { own, deliver, status, reads } = await begin();
    expect(await deliver(own, changes)).toEqual({ kind: 'refused' });
    expect(await deliver('account', changes)).toEqual({ kind: 'refused' });
    expect(reads.count).toBe(0);
    expect(await status()).toBe('PENDING');
  });

  it('is read once for each delivery id', async () => {
    const { own, deliver, reads } = await begin();
    const pending = { answer: { kind: 'pending', chargedAttempts: null } } as const;
    const same = { event: pending, headers: { 'x-delivery': 'd-1' } };
    for (let time = 0; time < 3; time++) {
      expect(await deliver(own, same)).toEqual({ kind: 'received', reply });
    }
    expect(reads.count).toBe(1);
    await deliver(own, { event: pending, headers: { 'x-delivery': 'd-2' } });
    expect(reads.count).toBe(2);
  });
});

describe('the notification URL of an account', () => {
  it('finds the verification by our reference', async () => {
    const { id, urls, deliver, status } = await begin();
    expect(urls['reference']).toBe(id);
    expect(await deliver('account')).toEqual({ kind: 'received', reply });
    expect(await status()).toBe('PASSED');
  });

  it('acknowledges unknown references, so that they are not sent again', async () => {
    const { deliver, status } = await begin();
    for (const reference of ['ver_AAAAAAAAAAAAAAAAAAAAAA', 'of another system', '']) {
      expect(await deliver('account', { event: { reference } })).toEqual({
        kind: 'received',
        reply,
      });
    }
    expect(await status()).toBe('PENDING');
  });

  it('is unknown for an unregistered provider', async () => {
    const { core } = await begin();
    const given = { method: 'POST', query: '', headers: {}, body: Buffer.from('{}') } as const;
    expect(await receiveNotification(core.deps, 'nobody', 'account', given)).toEqual({
      kind: 'unknown',
    });
  });
});

describe('a signature by a key that the provider publishes', () => {
  /** The probe whose keys rotate: `Result` returns the keys of the moment, by id. */
  const rotating = probeWith({
    channels: {
      FACE_WEB: {
        outcome: 'NOTIFICATION',
        notification: {
          verify: async ({ headers }: Notification, context: VerifyContext<unknown>) => {
            const kid = headers['x-kid'] ?? '';
            const fetchKeys = (call: ProviderCall<unknown>) =>
              call.send({
                action: 'Result',
                build: () => probeRequest('Result', {}),
                read: ({ body }) => JSON.parse(body.toString('utf8')) as Record<string, string>,
              });
            const isStale = (keys: Record<string, string>) => !Object.hasOwn(keys, kid);
            const keys = await context.cached('keys', 3600, fetchKeys, isStale);
            return keys[kid] === headers['x-signature']
              ? { kind: 'genuine', deliveryId: `${kid}-${headers['x-delivery']}` }
              : { kind: 'refused' };
          },
          read: () => passedAnswer,
          reply,
        },
      },
    },
  });

  async function begun(limiter?: Limiter) {
    const core = createTestCore({ definitions: [rotating], ...(limiter ? { limiter } : {}) });
    const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
    await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
    const body = core.provider.ledger[0]?.body as Readonly<Record<string, string>>;
    const capability = body['notifyUrl']?.split('/').at(-1) ?? '';
    let deliveries = 0;
    const deliver = async (kid: string, signature: string) => {
      deliveries += 1;
      const headers = {
        ...{ 'x-kid': kid, 'x-signature': signature, 'x-delivery': String(deliveries) },
      };
      const notification = { method: 'POST', query: '', headers, body: Buffer.from('{}') } as const;
      return (await receiveNotification(core.deps, 'probe', capability, notification)).kind;
    };
    const fetches = () => core.provider.ledger.filter(({ action }) => action === 'Result').length;
    return { core, deliver, fetches };
  }

  it('is checked with keys that are fetched once, and again when they rotate', async () => {
    const { core, deliver, fetches } = await begun();
    core.provider.reply(() => ({ k1: 'one' }));
    expect(await deliver('k1', 'one')).toBe('received');
    expect(await deliver('k1', 'other')).toBe('refused');
    expect(fetches()).toBe(1);
    core.provider.reply(() => ({ k2: 'two' }));
    core.clock.ms += 30_000;
    expect(await deliver('k2', 'two')).toBe('received');
    expect(fetches()).toBe(2);
  });

  it('is still checked with the known keys after a fetch for an unknown one failed', async () => {
    const { core, deliver, fetches } = await begun();
    core.provider.reply(() => ({ k1: 'one' }));
    expect(await deliver('k1', 'one')).toBe('received');
    core.provider.reply(failing('timeout'));
    core.clock.ms += 31_000;
    for (let time = 0; time < 20; time++) {
      expect(await deliver('made-up', 'x')).toBe('try_later');
      expect(await deliver('k1', 'one')).toBe('received');
      core.clock.ms += 1000;
    }
    expect(fetches()).toBe(2);
  });

  it('by unknown keys at the same time makes one fetch', async () => {
    const { core, deliver, fetches } = await begun();
    core.provider.reply(() => ({ k1: 'one' }));
    await deliver('k1', 'one');
    core.clock.ms += 31_000;
    await Promise.all(Array.from({ length: 50 }, () => deliver('made-up', 'x')));
    expect(fetches()).toBe(2);
  });

  it('is asked for again while the store of the limits does not respond', async () => {
    const { core, deliver } = await begun({
      turn: async ({ key }, steps) => {
        if (key.includes('Result')) throw new StoreUnavailable();
        await steps?.prepare?.();
        return { isInTime: () => true, giveBack: () => {} };
      },
      backOff: async () => {},
    });
    core.provider.reply(() => ({ k1: 'one' }));
    expect(await deliver('k1', 'one')).toBe('try_later');
  });

  it('by unknown keys makes no more than one fetch in half a minute', async () => {
    const { core, deliver, fetches } = await begun();
    core.provider.reply(() => ({ k1: 'one' }));
    for (let time = 0; time < 50; time++) await deliver(`made-up-${time}`, 'x');
    expect(fetches()).toBe(1);
  });

  it('is asked for again while the keys cannot be fetched', async () => {
    const { core, deliver, fetches } = await begun();
    core.provider.reply(failing('timeout'));
    expect(await deliver('k1', 'one')).toBe('try_later');
    expect(await deliver('k1', 'one')).toBe('try_later');
    expect(fetches()).toBe(1);
    core.clock.ms += 1000;
    core.provider.reply(() => ({ k1: 'one' }));
    expect(await deliver('k1', 'one')).toBe('received');
  });
});
