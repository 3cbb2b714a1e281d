import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  checkProvider,
  type ConformanceSubject,
  type GroupName,
} from '../../src/conformance/index.ts';
import {
  ProviderErrorResponse,
  Secret,
  type AnyProvider,
  type ChannelDefinition,
  type NotificationDefinition,
  type OutcomeAnswer,
  type VerificationResult,
} from '../../src/contract/plugin-api.ts';
import {
  answerSchema,
  ask,
  results,
  settingsSchema,
  sign,
  sound,
  soundSubject,
  toResult,
  type SoundAnswer,
  type SoundCall,
  type SoundSettings,
} from './sound-provider.ts';

// Each of these plugins has one mistake, and the suite must report it in the right group.

const web = sound.channels['SOUND_WEB'] as ChannelDefinition<SoundSettings>;
const webhook = web.notification as NotificationDefinition<SoundSettings>;

function broken(changes: Partial<AnyProvider>, more: Partial<ConformanceSubject> = {}) {
  return { ...soundSubject, ...more, provider: { ...sound, ...changes } as AnyProvider };
}

function withWeb(changes: Partial<ChannelDefinition<SoundSettings>>) {
  return broken({ channels: { SOUND_WEB: { ...web, ...changes } } });
}

function withWebhook(changes: Partial<NotificationDefinition<SoundSettings>>) {
  return withWeb({ notification: { ...webhook, ...changes } });
}

interface Begun {
  readonly id?: string | undefined;
  readonly url?: string | undefined;
}

/** The start of the sound plugin with another implementation. */
function starting(
  start: (call: SoundCall, name: string) => Promise<Begun>,
  session: (id: string, name: string) => Record<string, string> = (id) => ({ id }),
) {
  return withWeb({
    prepare: ({ subject }) => {
      const { name } = subject;
      if (name === null) return { problems: [{ path: 'subject.name', message: 'is needed' }] };
      return {
        checks: ['DOCUMENT'],
        start: async (call) => {
          const { id = 's-1', url = 'https://sound.example/s-1' } = await start(call, name);
          return {
            launch: { kind: 'redirect', url },
            session: session(id, name),
            expiresInSeconds: 600,
          };
        },
      };
    },
  });
}

/** The query of the sound plugin with another reading of the response. */
function asking(toOutcome: (answer: SoundAnswer) => VerificationResult) {
  return withWeb({
    fetchOutcome: async (call, { id }) => {
      const answer = await ask(call, 'result', { id });
      return { kind: 'ended', result: toOutcome(answer) };
    },
  });
}

const sabotaged: readonly (readonly [string, GroupName, ConformanceSubject])[] = [
  [
    'an action has no limit',
    'definition',
    broken({
      actions: { ...sound.actions, result: { effect: 'read', maxResponseBytes: 1 } as never },
    }),
  ],
  [
    'an action has no effect',
    'definition',
    broken({
      actions: { ...sound.actions, result: { perSecond: 1, maxResponseBytes: 1 } as never },
    }),
  ],
  [
    'a start is declared as a read',
    'definition',
    broken({
      actions: { ...sound.actions, start: { effect: 'read', perSecond: 1, maxResponseBytes: 1 } },
    }),
  ],
  [
    'settings accept unknown names',
    'settings',
    broken({ settings: z.looseObject(settingsSchema.shape) }),
  ],
  [
    'a message repeats a wrong setting',
    'settings',
    broken({
      settings: settingsSchema.extend({
        ENDPOINT: z.string().refine((url) => url.startsWith('http'), {
          error: ({ input }) => `${String(input)} is no URL`,
        }),
      }),
    }),
  ],
  [
    'a credential is readable in the settings',
    'settings',
    broken({
      settings: settingsSchema.transform((given) => ({ ...given, open: given.KEY.reveal() })),
    }),
  ],
  ['a credential is not among the settings', 'settings', broken({ credentials: ['KEY', 'TOKEN'] })],
  [
    'an action is called that is not declared',
    'recorded answers',
    starting((call) => ask(call, 'other', {})),
  ],
  [
    'a declared action is never called',
    'channels and actions',
    broken({
      actions: { ...sound.actions, cancel: { effect: 'read', perSecond: 1, maxResponseBytes: 1 } },
    }),
  ],
  [
    'a request bypasses core',
    'channels and actions',
    starting(async (call, name) => {
      await fetch(new URL('/audit', call.settings.ENDPOINT), { method: 'POST' });
      return ask(call, 'start', { name });
    }),
  ],
  [
    'required input may be missing',
    'channels and actions',
    withWeb({ requires: ['subject.name', 'subject.idNumber'] }),
  ],
  ['a needed input is not declared', 'channels and actions', withWeb({ requires: [] })],
  [
    'a redirectUrl is accepted that does nothing',
    'channels and actions',
    withWeb({
      prepare: (input, context) => {
        const prepared = web.prepare(input, context);
        if ('problems' in prepared) return prepared;
        return {
          ...prepared,
          start: (call, { notifyUrl, reference }) =>
            prepared.start(call, { notifyUrl, reference, returnUrl: 'https://sound.example/done' }),
        };
      },
    }),
  ],
  [
    'a recorded response has another outcome',
    'recorded answers',
    withWeb({
      fetchOutcome: async (call, { id }) => {
        await ask(call, 'result', { id });
        return { kind: 'ended', result: toResult('NEW') };
      },
    }),
  ],
  [
    'every code passes that is not a known failure',
    'unknown codes',
    withWeb({
      fetchOutcome: async (call, { id }) => {
        const { result } = await ask(call, 'result', { id });
        return { kind: 'ended', result: toResult(result === 'BAD' ? 'BAD' : 'GOOD') };
      },
    }),
  ],
  [
    'an unknown error counts as a refusal',
    'unknown codes',
    starting((call, name) =>
      ask(call, 'start', { name }).catch((error: unknown) => {
        const { providerCode } = error as { providerCode?: string };
        throw new ProviderErrorResponse(providerCode ?? 'INPUT');
      }),
    ),
  ],
  [
    'a broken response counts as a start',
    'broken answers',
    starting((call, name) => ask(call, 'start', { name }).catch(() => ({}))),
  ],
  [
    'the HTTP status is ignored',
    'broken answers',
    starting((call, name) =>
      call.send({
        action: 'start',
        build: () => ({
          method: 'POST',
          url: call.settings.ENDPOINT,
          headers: {},
          body: JSON.stringify({ name }),
        }),
        read: ({ body }) => {
          const answer = answerSchema.parse(JSON.parse(body.toString('utf8')));
          if (answer.code !== 'OK') throw new ProviderErrorResponse(answer.code);
          return answer;
        },
      }),
    ),
  ],
  [
    'a broken response counts as FAILED',
    'broken answers',
    withWeb({
      fetchOutcome: async (call, { id }) => {
        const answer = await ask(call, 'result', { id }).catch(() => ({ result: 'BAD' }));
        return { kind: 'ended', result: toResult(answer.result ?? 'NEW') };
      },
    }),
  ],
  [
    'it retries after a lost response',
    'charging',
    starting((call, name) =>
      ask(call, 'start', { name }).catch(() => ask(call, 'start', { name })),
    ),
  ],
  [
    'a webhook is not verified',
    'notifications',
    withWebhook({
      verify: ({ headers }) => ({ kind: 'genuine', deliveryId: headers['x-signature'] ?? '' }),
    }),
  ],
  [
    'an old webhook counts',
    'notifications',
    withWebhook({
      verify: ({ headers, body }, { settings }) => {
        const { 'x-time': time = '', 'x-signature': given = '' } = headers;
        return given === sign(time, body, settings.WEBHOOK_SECRET.reveal())
          ? { kind: 'genuine', deliveryId: given }
          : { kind: 'refused' };
      },
    }),
  ],
  [
    'a webhook is read before it is verified',
    'notifications',
    withWebhook({
      verify: (notification, context) => {
        JSON.parse(notification.body.toString('utf8'));
        return webhook.verify?.(notification, context) ?? { kind: 'refused' };
      },
    }),
  ],
  [
    'a signature covers the parsed body only',
    'notifications',
    withWebhook({
      verify: (notification, context) => {
        const text = notification.body.toString('utf8').trimEnd();
        const trimmed = { ...notification, body: Buffer.from(text) };
        return webhook.verify?.(trimmed, context) ?? { kind: 'refused' };
      },
    }),
  ],
  [
    'every delivery has the same id',
    'notifications',
    withWebhook({
      verify: async (notification, context) => {
        const proof = (await webhook.verify?.(notification, context)) ?? { kind: 'refused' };
        return proof.kind === 'genuine' ? { ...proof, deliveryId: 'one' } : proof;
      },
    }),
  ],
  [
    'a webhook counts for another verification',
    'notifications',
    withWebhook({
      read: ({ body }) => {
        const { result } = JSON.parse(body.toString('utf8')) as { result: string };
        return { kind: 'ended', result: toResult(result) };
      },
    }),
  ],
  [
    'a name is kept in the session',
    'privacy',
    starting(
      (call, name) => ask(call, 'start', { name }),
      (id, name) => ({ id, name }),
    ),
  ],
  [
    'a name is in the URL',
    'privacy',
    starting(async (call, name) => {
      await ask(call, 'start', { name });
      return { url: `https://sound.example/?for=${name}` };
    }),
  ],
  [
    'a foreign type is extended',
    'SDL',
    broken({ typeDefs: `${sound.typeDefs} extend type BankCardCheck { sound: Int }` }),
  ],
  ...['"A page."', '"What the page tells."', '"Which page."'].map(
    (description): (typeof sabotaged)[number] => [
      `the description ${description} is missing`,
      'SDL',
      broken({ typeDefs: sound.typeDefs.replace(description, '') }),
    ],
  ),
  [
    'a reason is not in the SDL',
    'SDL',
    withWeb({
      fetchOutcome: async (call, { id }) => {
        const { result = 'NEW' } = await ask(call, 'result', { id });
        return { kind: 'ended', result: { ...toResult(result), reason: 'SOUND_NEW' } };
      },
    }),
  ],
  [
    'a detail is not in the SDL',
    'SDL',
    broken({ typeDefs: sound.typeDefs.replace('soundPage', 'soundSide') }),
  ],
  ['a missing result passes', 'unknown codes', asking(({ result }) => toResult(result ?? 'GOOD'))],
  [
    'a result that begins like a pass passes',
    'unknown codes',
    asking(({ result = 'NEW' }) => toResult(result.startsWith('GOOD') ? 'GOOD' : result)),
  ],
  [
    'a table look-up finds members of Object.prototype',
    'unknown codes',
    asking(({ result = 'NEW' }) => {
      const meaning = results[result] as { readonly status?: 'FAILED' } | undefined;
      return meaning
        ? { ...toResult(result), status: meaning.status ?? 'PASSED' }
        : toResult(result);
    }),
  ],
  [
    'an error of the query counts as FAILED',
    'unknown codes',
    withWeb({
      fetchOutcome: async (call, { id }) => {
        const answer = await ask(call, 'result', { id }).catch((error: unknown) => {
          const { providerCode } = error as { readonly providerCode?: string };
          if (providerCode === undefined) throw error;
          return { result: 'BAD' };
        });
        return { kind: 'ended', result: toResult(answer.result ?? 'NEW') };
      },
    }),
  ],
  [
    'the vendor’s text becomes the message',
    'unknown codes',
    asking(({ result = 'NEW' }) => ({ ...toResult(result), message: `It says ${result}.` })),
  ],
  [
    'an unknown result passes by webhook',
    'unknown codes',
    withWebhook({
      read: ({ body }, { id }) => {
        const told = JSON.parse(body.toString('utf8')) as { id?: string; result?: string };
        const result = toResult(told.result === 'BAD' ? 'BAD' : 'GOOD');
        return told.id === id ? { kind: 'ended', result } : null;
      },
    }),
  ],
  [
    'a webhook without a signature counts',
    'notifications',
    withWebhook({
      verify: (notification, context) =>
        notification.headers['x-signature'] === undefined
          ? { kind: 'genuine', deliveryId: 'none' }
          : (webhook.verify?.(notification, context) ?? { kind: 'refused' }),
    }),
  ],
  [
    'a part of a signature is accepted',
    'notifications',
    withWebhook({
      verify: ({ headers, body }, { settings, nowMs }) => {
        const { 'x-time': time = '', 'x-signature': given = '' } = headers;
        const isFresh = Math.abs(nowMs - Number(time)) < 300_000;
        return isFresh && sign(time, body, settings.WEBHOOK_SECRET.reveal()).startsWith(given)
          ? { kind: 'genuine', deliveryId: given }
          : { kind: 'refused' };
      },
    }),
  ],
  [
    'a repeated delivery has another id',
    'notifications',
    withWebhook({
      verify: async (notification, context) => {
        const proof = (await webhook.verify?.(notification, context)) ?? { kind: 'refused' };
        return proof.kind === 'genuine' ? { ...proof, deliveryId: randomUUID() } : proof;
      },
    }),
  ],
  [
    'a webhook from the future counts',
    'notifications',
    withWebhook({
      verify: ({ headers, body }, { settings, nowMs }) => {
        const { 'x-time': time = '', 'x-signature': given = '' } = headers;
        const isYoung = nowMs - Number(time) < 300_000;
        return isYoung && given === sign(time, body, settings.WEBHOOK_SECRET.reveal())
          ? { kind: 'genuine', deliveryId: given }
          : { kind: 'refused' };
      },
    }),
  ],
  [
    'a webhook is checked by another clock',
    'notifications',
    withWebhook({
      verify: (notification, context) =>
        webhook.verify?.(notification, { ...context, nowMs: Date.now() }) ?? { kind: 'refused' },
    }),
  ],
  [
    'our reference is not found in a webhook',
    'notifications',
    withWebhook({ referenceOf: () => null }),
  ],
  [
    'a result with HTTP 500 counts',
    'broken answers',
    withWeb({
      fetchOutcome: async (call, { id }) => {
        const { result = 'NEW' } = await call.send({
          action: 'result',
          build: () => ({
            method: 'POST',
            url: call.settings.ENDPOINT,
            headers: {},
            body: JSON.stringify({ id }),
          }),
          read: ({ body }) => {
            const answer = answerSchema.parse(JSON.parse(body.toString('utf8')));
            if (answer.code !== 'OK') throw new ProviderErrorResponse(answer.code);
            return answer;
          },
        });
        return { kind: 'ended', result: toResult(result) };
      },
    }),
  ],
  [
    'it repeats a query',
    'broken answers',
    withWeb({
      fetchOutcome: async (call, { id }) => {
        const read = () => ask(call, 'result', { id });
        const { result = 'NEW' } = await read().catch(read);
        return { kind: 'ended', result: toResult(result) };
      },
    }),
  ],
  [
    'its query never ends',
    'broken answers',
    withWeb({ fetchOutcome: () => new Promise(() => {}) }),
  ],
  [
    'a similarity has another scale',
    'recorded answers',
    asking(({ result = 'NEW' }) => ({ ...toResult(result), similarity: 9700 })),
  ],
  [
    'a time is in seconds',
    'recorded answers',
    asking(({ result = 'NEW' }) => ({ ...toResult(result), completedAtMs: 1_732_262_400 })),
  ],
  [
    'a URL is a script',
    'recorded answers',
    starting(async (call, name) => {
      await ask(call, 'start', { name });
      return { url: 'javascript:alert(1)' };
    }),
  ],
  [
    'it throws for an incomplete input',
    'channels and actions',
    withWeb({
      requires: [],
      prepare: (input, context) => {
        if ((input.extra ?? '').length > 9 || input.subject.name === null) throw new TypeError('x');
        return web.prepare(input, context);
      },
    }),
  ],
  [
    'it sends to another host',
    'channels and actions',
    starting(async (call, name) => {
      await fetch('http://127.0.0.1:9/', { method: 'POST' }).catch(() => null);
      return ask(call, 'start', { name });
    }),
  ],
  [
    'a name is in the URL, percent-encoded',
    'privacy',
    starting(async (call, name) => {
      await ask(call, 'start', { name });
      return { url: `https://sound.example/?${new URLSearchParams({ for: name }).toString()}` };
    }),
  ],
  [
    'a name is printed',
    'privacy',
    starting((call, name) => {
      // A typical omission.
      // oxlint-disable-next-line no-console
      console.log('starting for', name);
      return ask(call, 'start', { name });
    }),
  ],
  [
    'a secret is in the session',
    'privacy',
    broken({
      channels: {
        SOUND_WEB: {
          ...web,
          prepare: (input, context) => {
            const prepared = web.prepare(input, context);
            if ('problems' in prepared) return prepared;
            return {
              ...prepared,
              start: async (call, urls) => {
                const started = await prepared.start(call, urls);
                const own = { secret: call.settings.WEBHOOK_SECRET.reveal() };
                return { ...started, session: { ...started.session, ...own } };
              },
            };
          },
        } satisfies ChannelDefinition<SoundSettings>,
      },
    }),
  ],
  [
    'its emulation does not start',
    'sandbox',
    broken({
      sandbox: async () => async () => {
        throw new Error('no port');
      },
    }),
  ],
  [
    'a detail is of another type',
    'SDL',
    broken({ typeDefs: sound.typeDefs.replace('soundPage: Int', 'soundPage: [Boolean!]!') }),
  ],
  [
    'a resolver throws',
    'SDL',
    broken({
      resolvers: {
        SoundDetails: {
          soundPage: () => {
            throw new Error('not today');
          },
        },
      },
    }),
  ],
];

/** A provider that makes its link after the start, lets people review, and publishes the keys of its signatures. */
function slow(changes: Partial<ChannelDefinition<SoundSettings>> = {}): ConformanceSubject {
  const ok = (members: object) => ({ body: { code: 'OK', ...members } });
  const link = { kind: 'redirect', url: 'https://sound.example/s-1' } as const;
  const pending: Readonly<Record<string, OutcomeAnswer>> = {
    LINK: { kind: 'pending', launch: link, expiresInSeconds: 900 },
    REVIEW: { kind: 'pending', launchUsed: true, phase: 'UNDER_REVIEW' },
  };
  const channel: ChannelDefinition<SoundSettings> = {
    ...web,
    prepare: (input, context) => {
      const prepared = web.prepare(input, context);
      if ('problems' in prepared) return prepared;
      return {
        ...prepared,
        start: async (call, urls) => ({
          ...(await prepared.start(call, urls)),
          ...{ launch: null, launchFollows: true },
        }),
      };
    },
    fetchOutcome: async (call, { id }) => {
      const { result = '' } = await ask(call, 'result', { id });
      return pending[result] ?? { kind: 'ended', result: toResult(result) };
    },
    notification: {
      ...webhook,
      verify: async (notification, context) => {
        const fetchKeys = async (call: SoundCall) => (await ask(call, 'keys', {})).id ?? '';
        const key = await context.cached('keys', 3600, fetchKeys);
        const settings = { ...context.settings, WEBHOOK_SECRET: new Secret(key) };
        return webhook.verify?.(notification, { ...context, settings }) ?? { kind: 'refused' };
      },
    },
    ...changes,
  };
  const keys = ok({ id: 'conformance-webhook-secret' });
  const title = { channel: 'SOUND_WEB', after: 'fine' };
  return {
    ...soundSubject,
    provider: {
      ...sound,
      actions: { ...sound.actions, keys: { effect: 'read', perSecond: 1, maxResponseBytes: 9999 } },
      channels: { SOUND_WEB: channel },
    } as AnyProvider,
    starts: (soundSubject.starts ?? []).map((each) => ({
      ...each,
      expect: { launch: null, launchFollows: true },
    })),
    outcomes: [
      ...(soundSubject.outcomes ?? []),
      {
        ...{ title: 'the link', ...title },
        answers: { result: ok({ result: 'LINK' }) },
        expect: { pending: { launch: link } },
      },
      {
        ...{ title: 'a review', ...title },
        answers: { result: ok({ result: 'REVIEW' }) },
        expect: { pending: { phase: 'UNDER_REVIEW' } },
      },
    ],
    notifications: (soundSubject.notifications ?? []).map((each) => ({
      ...each,
      answers: { keys },
    })),
  };
}

describe('the conformance suite', () => {
  it('finds nothing wrong with a plugin of links that follow, reviews and published keys', async () => {
    const { failures } = await checkProvider(slow());
    expect(failures).toEqual([]);
  });

  it('names the action whose recorded response a notification lacks', async () => {
    const { notifications = [], ...subject } = slow();
    const without = {
      ...subject,
      notifications: notifications.map((each) => ({ ...each, answers: {} })),
    };
    const { failures } = await checkProvider(without, { groups: ['notifications'] });
    expect(failures[0]?.message).toContain('verify calls keys');
  });

  it.each([
    ['a launch that is a script', { launch: { kind: 'redirect', url: 'javascript:1' } }],
    ['a time that is none', { launch: { kind: 'sdk_token', token: 't' }, expiresInSeconds: 0 }],
    ['a time without a launch', { expiresInSeconds: 60 }],
    ['an unknown phase', { phase: 'LATER' }],
  ])('catches a pending answer with %s', async (_what, members) => {
    const answer = { kind: 'pending', ...members } as OutcomeAnswer;
    const subject = slow({
      fetchOutcome: async (call, { id }) => {
        await ask(call, 'result', { id });
        return answer;
      },
    });
    const { failures } = await checkProvider(subject, { groups: ['recorded answers'] });
    expect(failures.map(({ check }) => check)).toContain('SOUND_WEB, outcome: the link');
  });

  it('finds nothing wrong with a sound plugin', async () => {
    const { failures, skipped, checks } = await checkProvider(soundSubject);
    expect(failures).toEqual([]);
    expect(skipped.map(({ group }) => group)).toEqual(['sandbox']);
    expect(checks).toBeGreaterThan(50);
  });

  it.concurrent.each(sabotaged)('catches that %s', async (_what, group, subject) => {
    const { failures } = await checkProvider(subject, { groups: [group] });
    expect(failures.map((failure) => failure.group)).toContain(group);
    // The message must be readable.
    for (const { message } of failures) expect(message).not.toBe('');
  });
});
