import assert from 'node:assert/strict';
import type {
  Notification,
  NotificationDefinition,
  NotificationProof,
  Started,
} from '../../contract/index.ts';
import { assertMatches } from '../assert-matches.ts';
import type { Bench } from '../create-bench.ts';
import { group, skip, type Check, type Group } from '../group.ts';
import { afterStart } from '../run-case.ts';
import type { ConformanceSubject, Delivery, NotificationCase } from '../subject.ts';

const dayMs = 24 * 3600 * 1000;

/** Verified over the raw bytes, then read; what is altered, old or repeated is not read at all. */
export function notificationsGroup(subject: ConformanceSubject): Group {
  const { provider, notifications = [] } = subject;
  const notified = Object.entries(provider.channels).filter(([, each]) => each.notification);
  if (notified.length === 0) return skip('notifications', 'no channel of it is notified');
  return group('notifications', [
    ...notifications.map((each) => ({
      title: `${each.channel}: ${each.title}`,
      run: () => about(subject, each, (delivered) => assertRead(delivered, each)),
    })),
    ...notified.flatMap(([name, channel]): Check[] => {
      const first = notifications.find(
        (each) => each.channel === name && each.expect !== 'nothing',
      );
      if (!first) {
        return [
          {
            title: `${name} has a recorded notification`,
            run: () => assert.fail('the subject has none that says something'),
          },
        ];
      }
      return [
        {
          title: `${name}: says nothing about another verification`,
          run: () => about(subject, first, assertOwnOnly),
        },
        ...(channel.notification?.verify
          ? signedChecks(subject, name, first)
          : [
              {
                title: `${name}: altered, old and repeated ones are refused before they are read`,
                skipped: 'they are not signed: only their URL is a secret (verify: null)',
              },
            ]),
      ];
    }),
  ]);
}

/** A notification as the provider would send it, about a verification that was started. */
interface Delivered {
  readonly bench: Bench;
  readonly definition: NotificationDefinition<unknown>;
  readonly notification: Notification;
  readonly session: Started['session'];
  readonly nowMs: number;
  readonly capability: string;
  /** The same, made of something else. */
  readonly make: (changes: Partial<Delivery>) => Notification;
}

function about(
  subject: ConformanceSubject,
  given: NotificationCase,
  look: (delivered: Delivered) => Promise<void> | void,
): Promise<void> {
  return afterStart(subject, given, {}, async (bench) => {
    const definition = subject.provider.channels[given.channel]?.notification;
    const [started] = bench.observed.started;
    const [urls] = bench.observed.urls;
    assert.ok(definition && started && urls, `${given.channel} is not notified`);
    const nowMs = bench.deps.now();
    const { session } = started;
    const make = (changes: Partial<Delivery>): Notification => {
      const {
        body,
        headers = {},
        method = 'POST',
      } = given.deliver({
        ...urls,
        session,
        settings: bench.givenSettings,
        nowMs,
        ...changes,
      });
      return { method, headers, body };
    };
    const capability = urls.notifyUrl.split('/').at(-1) ?? '';
    const notification = make({});
    await look({ bench, definition, notification, session, nowMs, capability, make });
  });
}

function assertRead({ bench, definition, ...given }: Delivered, { expect }: NotificationCase) {
  const { notification, session, nowMs } = given;
  const context = { settings: bench.settings, nowMs };
  assert.equal(definition.verify?.(notification, context).kind ?? 'genuine', 'genuine');
  const answer = definition.read(notification, session, context);
  if (expect === 'nothing') return assert.equal(answer, null);
  assert.ok(answer, 'it says nothing');
  if (typeof expect === 'string') return assert.equal(answer.kind, expect);
  assert.equal(answer.kind, 'ended');
  if (answer.kind === 'ended') assertMatches(answer.result, expect, 'the result');
}

function assertOwnOnly({ bench, definition, notification, session, nowMs }: Delivered): void {
  const foreign = Object.fromEntries(
    Object.entries(session).map(([name, value]) => [
      name,
      typeof value === 'string' ? `${value}-other` : value,
    ]),
  );
  const answer = definition.read(notification, foreign, { settings: bench.settings, nowMs });
  assert.equal(answer, null, 'it is taken for one about another verification');
}

function signedChecks(
  subject: ConformanceSubject,
  name: string,
  first: NotificationCase,
): readonly Check[] {
  const on = (title: string, look: (delivered: Delivered) => Promise<void> | void): Check => ({
    title: `${name}: ${title}`,
    run: () => about(subject, first, look),
  });
  return [
    on('an altered body is refused', ({ notification, ...delivered }) => {
      for (const [what, body] of alterations(notification.body)) {
        assertRefused(delivered, { ...notification, body }, what);
      }
    }),
    on('a body that nobody can read is refused, and not read', ({ notification, ...delivered }) => {
      for (const text of ['', '{', '<html>', '[]', 'null', '\u0000']) {
        const body = Buffer.from(text);
        assertRefused(delivered, { ...notification, body }, `the body ${JSON.stringify(text)}`);
      }
    }),
    on('without its signature it is refused', ({ notification, ...delivered }) => {
      assertRefused(delivered, { ...notification, headers: {} }, 'no headers at all');
      const needed = Object.keys(notification.headers).filter((header) => {
        const { [header]: _gone, ...headers } = notification.headers;
        return prove(delivered, { ...notification, headers }).kind === 'refused';
      });
      assert.ok(needed.length > 0, 'every single header may be missing');
      for (const header of needed) {
        const value = notification.headers[header] ?? '';
        const headers = { ...notification.headers, [header]: flipped(value) };
        assertRefused(delivered, { ...notification, headers }, `another ${header}`);
      }
    }),
    on('signed with another secret it is refused', ({ bench, make, ...delivered }) => {
      const settings = Object.fromEntries(
        Object.entries(bench.givenSettings).map(([setting, value]) => [
          setting,
          /^https?:/u.test(value) ? value : flipped(value),
        ]),
      );
      assertRefused({ bench, ...delivered }, make({ settings }), 'another secret');
    }),
    on('an old one is refused', ({ make, nowMs, ...delivered }) => {
      const old = make({ nowMs: nowMs - dayMs });
      assertRefused({ nowMs, ...delivered }, old, 'one that was signed a day ago');
    }),
    on('a repeated one is not read again', async ({ bench, capability, notification }) => {
      for (let time = 0; time < 3; time++) {
        const receipt = await bench.notify(capability, notification);
        assert.equal(receipt.kind, 'received', 'a provider that repeats one expects its reply');
      }
      assert.ok(bench.observed.notificationReads <= 1, 'it is read again each time');
    }),
    on('two deliveries have two ids', ({ make, nowMs, ...delivered }) => {
      const ids = [make({}), make({ nowMs: nowMs + 1000 })].map((notification) => {
        const proof = prove({ nowMs, ...delivered }, notification);
        return proof.kind === 'genuine' ? proof.deliveryId : null;
      });
      assert.notEqual(ids[0], ids[1], 'the second would be taken for the first, and not be read');
    }),
  ];
}

type Proving = Pick<Delivered, 'bench' | 'definition' | 'nowMs'>;

function prove({ bench, definition, nowMs }: Proving, given: Notification): NotificationProof {
  const context = { settings: bench.settings, nowMs };
  return definition.verify?.(given, context) ?? { kind: 'refused' };
}

function assertRefused(given: Proving, notification: Notification, what: string): void {
  let proof: NotificationProof;
  try {
    proof = prove(given, notification);
  } catch (error) {
    const name = error instanceof Error ? error.name : 'something';
    assert.fail(`with ${what} verify throws ${name}: it reads before it has verified`);
  }
  assert.equal(proof.kind, 'refused', `with ${what} it is taken for genuine`);
}

function alterations(body: Buffer): readonly (readonly [string, Buffer])[] {
  const at = (position: number): Buffer => {
    const copy = Buffer.from(body);
    copy[position] = (copy[position] ?? 0) ^ 1;
    return copy;
  };
  const places = [0, Math.floor(body.length / 3), Math.floor(body.length / 2), body.length - 1];
  return [
    ...places.map((place) => [`another byte at ${place}`, at(place)] as const),
    ['a blank at its end', Buffer.concat([body, Buffer.from(' ')])] as const,
    ['its last byte cut off', body.subarray(0, -1)] as const,
  ];
}

/** The same length, another character. */
function flipped(text: string): string {
  const [first = ''] = text.slice(-1);
  return `${text.slice(0, -1)}${first === '0' ? '1' : '0'}`;
}
