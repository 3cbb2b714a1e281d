import assert from 'node:assert/strict';
import type {
  Notification,
  NotificationDefinition,
  NotificationProof,
  OutcomeAnswer,
  Started,
} from '../../contract/index.ts';
import { assertExpected } from '../assert-expected.ts';
import { assertSoundOutcome } from '../assert-sound.ts';
import type { Bench } from '../create-bench.ts';
import { verifyContext } from '../../core/verifications/prove-notification.ts';
import { group, skip, type Check, type Group } from '../group.ts';
import { afterStart } from '../run-case.ts';
import type { ConformanceSubject, Delivery, NotificationCase } from '../subject.ts';

const hourMs = 3600 * 1000;
const yearMs = 365 * 24 * hourMs;

/**
 * A notification is verified over the raw bytes and then read. An altered, old or repeated one is not read.
 */
export function notificationsGroup(subject: ConformanceSubject): Group {
  const { provider, notifications = [] } = subject;
  const notified = Object.entries(provider.channels).filter(([, each]) => each.notification);
  if (notified.length === 0) return skip('notifications', 'none of its channels has notifications');
  return group('notifications', [
    ...notifications.map((each) => ({
      title: `${each.channel}: ${each.title}`,
      run: () => about(subject, each, (delivered) => assertRead(delivered, each)),
    })),
    ...notified.flatMap(([name, channel]): Check[] => {
      const first = notifications.find(
        (each) => each.channel === name && each.expect !== 'nothing',
      );
      const title = `${name} has a recorded notification`;
      if (!first && channel.outcome === 'NOTIFICATION') {
        return [
          {
            title,
            run: () => assert.fail('the subject has no notification that reports an outcome'),
          },
        ];
      }
      if (!first)
        return [{ title, skipped: 'the subject has no notification that reports an outcome' }];
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
        ...(channel.notification?.referenceOf
          ? [
              {
                title: `${name}: is found by our reference, at the URL of the account`,
                run: () => about(subject, first, assertFoundByReference),
              },
            ]
          : []),
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
  readonly reference: string;
  readonly nowMs: number;
  readonly capability: string;
  /** Makes the same notification with other data. */
  readonly make: (changes: Partial<Delivery>) => Notification;
}

/**
 * Passes a notification to `look`, with the plugin's function to read one without checking its signature.
 */
export function readOnce(
  subject: ConformanceSubject,
  given: NotificationCase,
  look: (told: {
    readonly notification: Notification;
    readonly read: (notification: Notification) => OutcomeAnswer | null;
    readonly session: Started['session'];
    readonly bench: Bench;
    /** Checks its signature, if the provider signs. */
    readonly verify: () => Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  return about(subject, given, ({ bench, definition, notification, session, nowMs }) =>
    look({
      bench,
      session,
      notification,
      verify: async () => {
        if (definition.verify) await prove({ bench, definition, nowMs }, notification);
      },
      read: (each) => definition.read(each, session, { settings: bench.settings, nowMs }),
    }),
  );
}

function about(
  subject: ConformanceSubject,
  given: NotificationCase,
  look: (delivered: Delivered) => Promise<void> | void,
): Promise<void> {
  return afterStart(subject, given, {}, async (bench) => {
    const [provider] = bench.deps.registry.all;
    const definition = provider?.definition.channels[given.channel]?.notification;
    const [started] = bench.observed.started;
    const [urls] = bench.observed.urls;
    assert.ok(definition && started && urls, `${given.channel} has no notifications`);
    const nowMs = bench.deps.now();
    const { session } = started;
    const make = (changes: Partial<Delivery>): Notification => {
      const {
        body,
        headers = {},
        method = 'POST',
        query = '',
      } = given.deliver({
        ...urls,
        session,
        settings: bench.givenSettings,
        nowMs,
        ...changes,
      });
      // A server lower-cases header names.
      const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      return { method, query, headers: Object.fromEntries(lower) as typeof headers, body };
    };
    const capability = urls.notifyUrl.split('/').at(-1) ?? '';
    const { reference } = urls;
    const notification = make({});
    await look({ bench, definition, notification, session, reference, nowMs, capability, make });
  });
}

async function assertRead(delivered: Delivered, { expect }: NotificationCase): Promise<void> {
  const { bench, definition, notification, session, nowMs } = delivered;
  if (definition.verify) assert.equal((await prove(delivered, notification)).kind, 'genuine');
  const answer = definition.read(notification, session, { settings: bench.settings, nowMs });
  if (expect === 'nothing') return assert.equal(answer, null);
  assert.ok(answer, 'it reports nothing');
  assertSoundOutcome(answer);
  assertExpected(answer, expect);
}

function assertOwnOnly({ bench, definition, notification, session, nowMs }: Delivered): void {
  const foreign = Object.fromEntries(
    Object.entries(session).map(([name, value]) => [
      name,
      typeof value === 'string' ? `${value}-other` : typeof value === 'number' ? value + 1 : value,
    ]),
  );
  const answer = definition.read(notification, foreign, { settings: bench.settings, nowMs });
  assert.equal(answer, null, 'it counts for another verification');
}

async function assertFoundByReference(given: Delivered): Promise<void> {
  const { bench, definition, notification, reference } = given;
  assert.equal(definition.referenceOf?.(notification), reference, 'referenceOf finds another one');
  const receipt = await bench.notify('account', notification);
  assert.equal(receipt.kind, 'received', `at the URL of the account it is ${receipt.kind}`);
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
    on('an altered body is refused', async ({ notification, ...delivered }) => {
      for (const [what, body] of alterations(notification.body)) {
        await assertRefused(delivered, { ...notification, body }, what);
      }
    }),
    on('an unreadable body is refused, and not read', async ({ notification, ...delivered }) => {
      for (const text of ['', '{', '<html>', '[]', 'null', '\u0000']) {
        const body = Buffer.from(text);
        await assertRefused(
          delivered,
          { ...notification, body },
          `the body ${JSON.stringify(text)}`,
        );
      }
    }),
    on('without its signature, or with a part of it, it is refused', async (delivered) => {
      const { notification } = delivered;
      for (const header of await protectedHeaders(delivered)) {
        const { [header]: value = '', ...others } = notification.headers;
        await assertRefused(delivered, { ...notification, headers: others }, `no ${header}`);
        for (const part of ['', value.slice(0, 1), value.slice(0, value.length / 2)]) {
          const headers = { ...others, [header]: part };
          await assertRefused(delivered, { ...notification, headers }, `a part of ${header}`);
        }
      }
    }),
    on('signed with another secret it is refused', async ({ bench, make, ...delivered }) => {
      const settings = Object.fromEntries(
        Object.entries(bench.givenSettings).map(([setting, value]) => [
          setting,
          /^https?:/u.test(value) ? value : altered(value),
        ]),
      );
      const other = make({ settings });
      // If the settings contain a public key only, they cannot be used to sign.
      if (isSame(other, make({}))) return;
      await assertRefused({ bench, ...delivered }, other, 'another secret');
    }),
    on('an old one, and one from the future, is refused', async ({ make, nowMs, ...delivered }) => {
      for (const awayMs of [-24 * hourMs, -hourMs, hourMs, 24 * hourMs]) {
        const away = make({ nowMs: nowMs + awayMs });
        const what = `the time of signing ${awayMs / hourMs} h away`;
        await assertRefused({ nowMs, ...delivered }, away, what);
      }
      const later = { ...delivered, nowMs: nowMs + yearMs };
      const { kind } = await prove(later, make({ nowMs: later.nowMs }));
      assert.equal(kind, 'genuine', 'verify must use the given nowMs and no other clock');
    }),
    on('a repeated one is not read again', async ({ capability, notification, ...delivered }) => {
      const { bench } = delivered;
      for (let time = 0; time < 3; time++) {
        const receipt = await bench.notify(capability, notification);
        assert.equal(receipt.kind, 'received', 'a repeated notification must get the normal reply');
      }
      assert.ok(bench.observed.notificationReads <= 1, 'it is read again each time');
      const id = await idOf(delivered, notification);
      assert.equal(
        await idOf(delivered, notification),
        id,
        'the same notification has a different id each time',
      );
      for (const [header, value] of Object.entries(notification.headers)) {
        const headers = { ...notification.headers, [header]: altered(value) };
        const changed = await idOf(delivered, { ...notification, headers });
        const isFixed = changed === null || changed === id;
        assert.ok(isFixed, `its id is taken from ${header}, which is not signed`);
      }
    }),
    on('two deliveries have two ids', async ({ make, nowMs, ...delivered }) => {
      const [one, other] = await Promise.all(
        [make({}), make({ nowMs: nowMs + 1000 })].map((notification) =>
          idOf({ nowMs, ...delivered }, notification),
        ),
      );
      assert.notEqual(
        one,
        other,
        'two notifications have the same id, so the second would not be read',
      );
    }),
  ];
}

type Proving = Pick<Delivered, 'bench' | 'definition' | 'nowMs'>;

async function prove(
  { bench, definition, nowMs }: Proving,
  given: Notification,
): Promise<NotificationProof> {
  const [provider] = bench.deps.registry.all;
  assert.ok(provider);
  const context = { ...verifyContext(bench.deps, provider), nowMs };
  const verifying = Promise.resolve().then(() => definition.verify?.(given, context));
  const proof = await verifying.finally(() => {
    const names = [...bench.unrecorded].join(', ');
    const hint = 'give its recorded response in the `answers` of each notification';
    assert.equal(names, '', `verify calls ${names}: ${hint}`);
  });
  const isProof = proof?.kind === 'genuine' || proof?.kind === 'refused';
  assert.ok(isProof, 'verify must return { kind: genuine, deliveryId } or { kind: refused }');
  return proof;
}

async function idOf(given: Proving, notification: Notification): Promise<string | null> {
  const proof = await prove(given, notification);
  return proof.kind === 'genuine' ? proof.deliveryId : null;
}

/** The headers that the signature covers. Empty if the signature is in the body. */
async function protectedHeaders(delivered: Delivered): Promise<readonly string[]> {
  const { notification } = delivered;
  const found: string[] = [];
  for (const [header, value] of Object.entries(notification.headers)) {
    const headers = { ...notification.headers, [header]: altered(value) };
    const proof = await prove(delivered, { ...notification, headers });
    if (proof.kind === 'refused') found.push(header);
  }
  return found;
}

async function assertRefused(
  given: Proving,
  notification: Notification,
  what: string,
): Promise<void> {
  let proof: NotificationProof;
  try {
    proof = await prove(given, notification);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    const said = error instanceof Error ? `${error.name}: ${error.message}` : 'something';
    assert.fail(`with ${what} verify throws ${said}. It must return { kind: refused }`);
  }
  assert.equal(proof.kind, 'refused', `with ${what} it is accepted as genuine`);
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

/** Same length, with another character in the middle, because the last one may be padding. */
function altered(text: string): string {
  const middle = Math.floor(text.length / 2);
  const other = text[middle] === '0' ? '1' : '0';
  return `${text.slice(0, middle)}${other}${text.slice(middle + 1)}`;
}

function isSame(one: Notification, other: Notification): boolean {
  return (
    one.body.equals(other.body) && JSON.stringify(one.headers) === JSON.stringify(other.headers)
  );
}
