import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  createVerificationClient,
  type Transport,
} from '../../src/client/create-verification-client.ts';

// The client against invented answers. Its clock jumps: it never waits for the machine.

const open = { id: 'ver_1', status: 'PENDING', launchState: 'OPEN', launch: { url: 'x' } };
const success = (verification: object) => ({
  data: { startVerification: { __typename: 'StartVerificationSuccess', verification } },
});
const problem = (code: string, more: object = {}) => ({
  data: {
    startVerification: { __typename: 'Problem', code, message: code, retryAfterMs: 1, ...more },
  },
});
const failing = (code: string) => ({ errors: [{ message: code, extensions: { code } }] });
const read = (verification: object | null) => ({ data: { verification } });
const lost = (): never => {
  throw new TypeError('fetch failed');
};

interface Asked {
  readonly operation: string;
  readonly variables: {
    readonly id?: string;
    readonly input?: { readonly idempotencyKey: string };
  };
}

/** Answers one after the other; the last one again and again. */
function clientOf(
  answers: readonly (object | (() => object))[],
  subscribe?: Transport['subscribe'],
) {
  const asked: Asked[] = [];
  const left = [...answers];
  const send = async (query: string, variables: Asked['variables']): Promise<never> => {
    const [, operation = ''] = /(?:query|mutation) (\w+)/u.exec(query) ?? [];
    asked.push({ operation, variables });
    const answer = left.length > 1 ? left.shift() : left[0];
    return (typeof answer === 'function' ? (answer as () => object)() : answer) as never;
  };
  const client = createVerificationClient({ send, ...(subscribe ? { subscribe } : {}) });
  return { ...client, asked, operations: () => asked.map(({ operation }) => operation) };
}

/** Lets all timers run until the work is done. */
async function settle<T>(work: Promise<T>): Promise<T> {
  const done = work.then(
    () => true,
    () => true,
  );
  const later = (): Promise<boolean> => vi.advanceTimersByTimeAsync(1000).then(() => false);
  for (let time = 0; time < 500; time++) if (await Promise.race([done, later()])) break;
  return work;
}

vi.useFakeTimers();
const input = { idempotencyKey: 'k', channel: 'E_ID' } as const;

describe('start', () => {
  it('repeats with the same key what is safe to repeat', async () => {
    for (const first of [
      problem('RATE_LIMITED', { retry: 'SAME_KEY' }),
      failing('STORE_UNAVAILABLE'),
      failing('HTTP_502'),
      lost,
    ]) {
      const { start, asked } = clientOf([first, success(open)]);
      expect(await settle(start(input))).toBe(open);
      expect(asked.map(({ variables }) => variables.input?.idempotencyKey)).toEqual(['k', 'k']);
    }
  });

  it.each([
    [
      'what may be charged again',
      problem('OUTCOME_UNKNOWN', { retry: 'NEW_KEY' }),
      'OUTCOME_UNKNOWN',
    ],
    ['what stays', problem('IDEMPOTENCY_MISMATCH', { retry: 'NONE' }), 'IDEMPOTENCY_MISMATCH'],
    ['wrong input', problem('INVALID_INPUT', { retry: 'SAME_KEY', fields: [] }), 'INVALID_INPUT'],
    ['a missing right', failing('FORBIDDEN'), 'FORBIDDEN'],
    ['a wrong document', failing('GRAPHQL_VALIDATION_FAILED'), 'GRAPHQL_VALIDATION_FAILED'],
    ['a login page', failing('HTTP_401'), 'HTTP_401'],
    [
      'a long wait',
      problem('PROVIDER_QUOTA_EXHAUSTED', { retry: 'SAME_KEY', retryAfterMs: 60_000 }),
      'PROVIDER_QUOTA_EXHAUSTED',
    ],
  ])('does not repeat %s', async (_what, answer, code) => {
    const { start, asked } = clientOf([answer, success(open)]);
    await expect(settle(start(input))).rejects.toMatchObject({ name: 'VerificationError', code });
    expect(asked).toHaveLength(1);
  });

  it('gives up after three attempts, and says why', async () => {
    const { start, asked } = clientOf([problem('RATE_LIMITED', { retry: 'SAME_KEY' })]);
    await expect(settle(start(input))).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(asked).toHaveLength(3);
    const fields = [{ path: 'subject.name', message: 'is needed' }];
    const wrong = clientOf([problem('INVALID_INPUT', { retry: 'SAME_KEY', fields })]);
    await expect(settle(wrong.start(input))).rejects.toMatchObject({ fields, retry: 'SAME_KEY' });
  });

  it('waits for a launch that the provider makes later', async () => {
    const early = { ...open, launch: null, nextPollAfterMs: 1 };
    const { start, operations } = clientOf([success(early), lost, read(early), read(open)]);
    expect(await settle(start(input))).toBe(open);
    expect(operations()).toEqual([
      ...['StartVerification', 'ReadVerification', 'ReadVerification', 'ReadVerification'],
    ]);
  });
});

describe('pressedAgain', () => {
  const cancelled = (status: string) => ({
    data: { cancelVerification: { __typename: 'Success', verification: { id: 'ver_1', status } } },
  });
  const used = { ...open, launchState: 'USED', launch: null };

  it.each([
    ['it can still be used', open],
    ['the provider works on it', { ...used, phase: 'PROCESSING' }],
    ['people review it', { ...used, phase: 'UNDER_REVIEW' }],
    ['it has passed', { ...used, launchState: 'CLOSED', status: 'PASSED' }],
  ])('keeps the verification if %s', async (_why, verification) => {
    const { pressedAgain, operations } = clientOf([success(verification)]);
    expect(await settle(pressedAgain(input, () => 'new'))).toBe(verification);
    expect(operations()).toEqual(['StartVerification']);
  });

  it('replaces one that is used up', async () => {
    for (const status of ['CANCELLED', 'EXPIRED', 'FAILED']) {
      const next = { ...open, id: 'ver_2' };
      const { pressedAgain, asked } = clientOf([success(used), cancelled(status), success(next)]);
      expect(await settle(pressedAgain(input, () => 'new'))).toBe(next);
      expect(asked.map(({ variables }) => variables.input?.idempotencyKey ?? variables.id)).toEqual(
        [...['k', 'ver_1', 'new']],
      );
    }
  });

  it('keeps an outcome that the provider had already, and starts nothing', async () => {
    for (const status of ['PASSED', 'UNDETERMINED']) {
      const { pressedAgain, operations } = clientOf([success(used), cancelled(status)]);
      expect(await settle(pressedAgain(input, () => 'new'))).toMatchObject({ status });
      expect(operations()).toEqual(['StartVerification', 'CancelVerification']);
    }
  });

  it('takes two presses at once for one', async () => {
    const { pressedAgain, asked } = clientOf([
      ...[success(used), cancelled('CANCELLED'), success({ ...open, id: 'ver_2' })],
    ]);
    let made = 0;
    const newKey = (): string => `new-${(made += 1)}`;
    const both = Promise.all([pressedAgain(input, newKey), pressedAgain(input, newKey)]);
    expect((await settle(both)).map(({ id }) => id)).toEqual(['ver_2', 'ver_2']);
    expect([made, asked.length]).toEqual([1, 3]);
  });

  it('starts nothing if it could not cancel', async () => {
    const problems = [
      failing('FORBIDDEN'),
      lost,
      { data: { cancelVerification: { code: 'STORE_UNAVAILABLE', message: '' } } },
    ];
    for (const answer of problems) {
      const { pressedAgain, operations } = clientOf([success(used), answer]);
      await expect(settle(pressedAgain(input, () => 'new'))).rejects.toThrow(Error);
      expect(operations()).toEqual(['StartVerification', 'CancelVerification']);
    }
  });
});

describe('waitForEnd', () => {
  const pending = { ...open, nextPollAfterMs: 3000 };
  const passed = { id: 'ver_1', status: 'PASSED' };
  afterEach(() => void Reflect.deleteProperty(globalThis, 'document'));

  it('polls as it is told, through errors that pass', async () => {
    const { waitForEnd, asked } = clientOf([
      ...[read(pending), failing('STORE_UNAVAILABLE'), failing('SOMETHING_NEW')],
      ...[lost, read(pending), read(passed)],
    ]);
    expect(await settle(waitForEnd('ver_1'))).toBe(passed);
    expect(asked).toHaveLength(6);
  });

  it.each([
    ['there is none', read(null), 'NOT_FOUND'],
    ['it may not be read', failing('FORBIDDEN'), 'FORBIDDEN'],
    ['the session is over', failing('UNAUTHENTICATED'), 'UNAUTHENTICATED'],
    ['Apollo Router knows no such token', failing('AUTH_ERROR'), 'AUTH_ERROR'],
    ['a gateway refuses it', failing('UNAUTHORIZED_FIELD_OR_TYPE'), 'UNAUTHORIZED_FIELD_OR_TYPE'],
    ['something else answers', failing('HTTP_404'), 'HTTP_404'],
    ['it was redacted', read({ ...pending, redactedAt: 'now' }), 'REDACTED'],
  ])('ends if %s', async (_why, answer, code) => {
    const { waitForEnd, asked } = clientOf([answer]);
    await expect(settle(waitForEnd('ver_1'))).rejects.toMatchObject({ code });
    expect(asked).toHaveLength(1);
  });

  it('ends after many failures in a row', async () => {
    const { waitForEnd, asked } = clientOf([lost]);
    await expect(settle(waitForEnd('ver_1'))).rejects.toMatchObject({ code: 'LOST' });
    expect(asked).toHaveLength(20);
  });

  it('does not ask while the page is hidden', async () => {
    const page = { hidden: true };
    Object.assign(globalThis, { document: page });
    const { waitForEnd, asked } = clientOf([read(pending), read(passed)]);
    const waiting = waitForEnd('ver_1');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual([]);
    page.hidden = false;
    expect(await settle(waiting)).toBe(passed);
  });

  it('ends when it is aborted, at once', async () => {
    const control = new AbortController();
    const { waitForEnd } = clientOf([read({ ...pending, nextPollAfterMs: 1_000_000 })]);
    const waiting = waitForEnd('ver_1', { signal: control.signal });
    await vi.advanceTimersByTimeAsync(10);
    control.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    const aborted = AbortSignal.abort(new Error('gone'));
    await expect(settle(waitForEnd('ver_1', { signal: aborted }))).rejects.toThrow('gone');
  });

  it('listens, if there are subscriptions, and asks only when one ends without a value', async () => {
    let rounds = 0;
    const subscribe = async function* subscribe() {
      rounds += 1;
      // It lasts for a while. The replica stops; the time is over; then the end.
      vi.setSystemTime(Date.now() + 60_000);
      if (rounds === 2) yield failing('SUBSCRIPTION_EXPIRED') as never;
      if (rounds === 3) yield { data: { verificationEnded: passed } } as never;
    };
    const { waitForEnd, operations } = clientOf(
      [read(pending)],
      subscribe as Transport['subscribe'],
    );
    expect(await settle(waitForEnd('ver_1'))).toBe(passed);
    expect(rounds).toBe(3);
    expect(operations()).toEqual(['ReadVerification', 'ReadVerification']);
  });

  it('polls, if subscriptions end at once, again and again', async () => {
    let rounds = 0;
    const subscribe = async function* subscribe() {
      rounds += 1;
      yield { data: { verificationEnded: { id: 'ver_other', status: 'PASSED' } } } as never;
    };
    const { waitForEnd } = clientOf(
      [...Array.from({ length: 6 }, () => read(pending)), read(passed)],
      subscribe as Transport['subscribe'],
    );
    // The value of another verification is not taken for its own.
    expect(await settle(waitForEnd('ver_1'))).toBe(passed);
    expect(rounds).toBe(3);
  });

  it('listens anew when the person comes back to the page', async () => {
    const listeners = new Set<() => void>();
    const shown = {
      hidden: false,
      addEventListener: (_type: string, listener: () => void) => void listeners.add(listener),
    };
    Object.assign(globalThis, { document: shown });
    let rounds = 0;
    // The first connection is dead, and nobody tells.
    const subscribe = async function* subscribe() {
      rounds += 1;
      if (rounds === 1) await new Promise(() => {});
      yield { data: { verificationEnded: passed } } as never;
    };
    const { waitForEnd } = clientOf([read(pending)], subscribe as Transport['subscribe']);
    const waiting = waitForEnd('ver_1');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(rounds).toBe(1);
    for (const listener of listeners) listener();
    expect(await settle(waiting)).toBe(passed);
    expect(rounds).toBe(2);
  });

  it('repeats a query that is not answered', async () => {
    const never = (): object => new Promise(() => {});
    const { waitForEnd, asked } = clientOf([never, read(passed)]);
    expect(await settle(waitForEnd('ver_1'))).toBe(passed);
    expect(asked).toHaveLength(2);
  });

  it('polls, if subscriptions fail again and again', async () => {
    let rounds = 0;
    // A subscription that fails at once yields nothing.
    // oxlint-disable-next-line require-yield
    const subscribe = async function* subscribe() {
      rounds += 1;
      throw new Error('no subscriptions');
    };
    const reads = Array.from({ length: 8 }, () => read(pending));
    const { waitForEnd, asked } = clientOf([...reads, read(passed)], subscribe as never);
    expect(await settle(waitForEnd('ver_1'))).toBe(passed);
    expect(rounds).toBe(3);
    expect(asked).toHaveLength(9);
  });

  it('learns from the query what a subscription refuses', async () => {
    const subscribe = async function* subscribe() {
      yield failing('FORBIDDEN') as never;
    };
    const { waitForEnd } = clientOf([failing('FORBIDDEN')], subscribe as Transport['subscribe']);
    await expect(settle(waitForEnd('ver_1'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
