import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { ConformanceSubject } from '../../src/conformance/index.ts';
import {
  checkName,
  contractVersion,
  createProblemList,
  defineProvider,
  ProviderErrorResponse,
  ProviderFault,
  Secret,
  type NotificationProof,
  type ProviderCall,
  type UpstreamResponse,
  type VerificationResult,
} from '../../src/contract/plugin-api.ts';

// A correct provider, which tests break in one place each.

export const settingsSchema = z.strictObject({
  ENDPOINT: z.url('must be a URL'),
  KEY: z
    .string()
    .min(8, 'must have 8 characters')
    .transform((value) => new Secret(value)),
  WEBHOOK_SECRET: z.string().transform((value) => new Secret(value)),
});

export type SoundSettings = z.output<typeof settingsSchema>;
export type SoundCall = ProviderCall<SoundSettings>;

export const answerSchema = z.object({
  code: z.string(),
  id: z.string().optional(),
  url: z.string().optional(),
  result: z.string().optional(),
});

export type SoundAnswer = z.output<typeof answerSchema>;

export function readAnswer({ status, body }: UpstreamResponse): SoundAnswer {
  if (status !== 200) throw new ProviderFault('protocol');
  const answer = answerSchema.parse(JSON.parse(body.toString('utf8')));
  if (answer.code !== 'OK') throw new ProviderErrorResponse(answer.code);
  return answer;
}

export function ask(call: SoundCall, action: string, payload: object): Promise<SoundAnswer> {
  return call.send({
    action,
    build: () => ({
      method: 'POST',
      url: new URL(`/${action}`, call.settings.ENDPOINT).href,
      headers: { authorization: `Key ${call.settings.KEY.reveal()}` },
      body: JSON.stringify(payload),
    }),
    read: readAnswer,
  });
}

export const results: Readonly<Record<string, Pick<VerificationResult, 'status' | 'reason'>>> = {
  GOOD: { status: 'PASSED', reason: 'VERIFIED' },
  BAD: { status: 'FAILED', reason: 'OTHER' },
};

export function toResult(code: string): VerificationResult {
  const meaning = Object.hasOwn(results, code) ? results[code] : undefined;
  return {
    ...(meaning ?? { status: 'UNDETERMINED', reason: 'OTHER' }),
    code,
    message: null,
    similarity: null,
    completedAtMs: null,
    billing: meaning ? 'CHARGED' : 'UNKNOWN',
    chargedAttempts: null,
    details: { __typename: 'SoundDetails', soundPage: 1 },
  };
}

const windowMs = 300_000;

export function sign(time: string, body: Buffer, secret: string): string {
  return createHmac('sha256', secret).update(`${time}.`).update(body).digest('hex');
}

export const sound = defineProvider({
  contractVersion,
  id: 'sound',
  title: 'Sound',
  jurisdiction: 'INTL',
  settings: settingsSchema,
  credentials: ['KEY', 'WEBHOOK_SECRET'],
  actions: {
    start: { effect: 'may_charge', perSecond: 10, maxResponseBytes: 10_000 },
    result: { effect: 'read', perSecond: 10, maxResponseBytes: 10_000 },
  },
  faults: { LIMIT: 'throttled', KEY: 'credentials', INPUT: 'rejected', CRASH: 'internal' },
  channels: {
    SOUND_WEB: {
      action: 'start',
      checks: ['DOCUMENT'],
      requires: ['subject.name'],
      outcome: 'QUERY',
      optionsField: null,
      pollEveryMs: 1000,
      graceSeconds: 60,
      retentionSeconds: 86_400,
      prepare: ({ subject }) => {
        const problems = createProblemList();
        const { name } = subject;
        problems.add('subject.name', name === null ? 'is needed' : checkName(name, 50));
        if (problems.all.length > 0) return { problems: problems.all };
        return {
          checks: ['DOCUMENT'],
          start: async (call, { returnUrl, notifyUrl }) => {
            const answer = await ask(call, 'start', { name, returnUrl, notifyUrl });
            if (answer.id === undefined || answer.url === undefined) {
              throw new ProviderFault('protocol');
            }
            return {
              launch: { kind: 'redirect', url: answer.url },
              session: { id: answer.id },
              expiresInSeconds: 600,
            };
          },
        };
      },
      fetchOutcome: async (call, { id }) => {
        const { result } = await ask(call, 'result', { id });
        return result === undefined
          ? { kind: 'pending', chargedAttempts: null }
          : { kind: 'ended', result: toResult(result) };
      },
      notification: {
        verify: ({ headers, body }, { settings, nowMs }): NotificationProof => {
          const { 'x-time': time = '', 'x-signature': given = '' } = headers;
          const due = Buffer.from(sign(time, body, settings.WEBHOOK_SECRET.reveal()));
          const signature = Buffer.from(given);
          const isGenuine =
            signature.length === due.length &&
            timingSafeEqual(signature, due) &&
            Math.abs(nowMs - Number(time)) <= windowMs;
          return isGenuine ? { kind: 'genuine', deliveryId: given } : { kind: 'refused' };
        },
        read: ({ body }, { id }) => {
          const event = z.object({ id: z.string(), result: z.string() });
          const told = event.parse(JSON.parse(body.toString('utf8')));
          return told.id === id ? { kind: 'ended', result: toResult(told.result) } : null;
        },
        reply: { contentType: 'text/plain', body: 'ok' },
      },
    },
  },
  typeDefs: `
    extend enum VerificationChannel { "A page." SOUND_WEB }
    extend union VerificationOutcomeDetails = SoundDetails
    "What the page tells." type SoundDetails { "Which page." soundPage: Int }
  `,
});

const ok = (members: object = {}) => ({ body: { code: 'OK', ...members } });
const input = { subject: { name: 'Ada Example', idNumber: 'X1234567' } };

export const soundSubject: ConformanceSubject = {
  provider: sound,
  settings: (endpoint) => ({
    ENDPOINT: endpoint,
    KEY: 'conformance-key',
    WEBHOOK_SECRET: 'conformance-webhook-secret',
  }),
  errorAnswer: (code) => ({ body: { code } }),
  starts: [
    {
      title: 'fine',
      channel: 'SOUND_WEB',
      input,
      answers: { start: ok({ id: 's-1', url: 'https://sound.example/s-1' }) },
      expect: { launch: { url: 'https://sound.example/s-1' }, session: { id: 's-1' } },
    },
  ],
  outcomes: [
    {
      title: 'passed',
      channel: 'SOUND_WEB',
      answers: { result: ok({ result: 'GOOD' }) },
      expect: { status: 'PASSED' },
    },
    {
      title: 'failed',
      channel: 'SOUND_WEB',
      answers: { result: ok({ result: 'BAD' }) },
      expect: { status: 'FAILED' },
    },
    {
      title: 'a code that no table has',
      channel: 'SOUND_WEB',
      answers: { result: ok({ result: 'NEW' }) },
      expect: { status: 'UNDETERMINED' },
    },
  ],
  notifications: [
    {
      title: 'passed',
      channel: 'SOUND_WEB',
      deliver: ({ session, settings, nowMs }) => {
        const body = Buffer.from(JSON.stringify({ id: session['id'], result: 'GOOD' }));
        const signature = sign(String(nowMs), body, settings['WEBHOOK_SECRET'] ?? '');
        return { body, headers: { 'x-time': String(nowMs), 'x-signature': signature } };
      },
      expect: { status: 'PASSED' },
    },
  ],
};
