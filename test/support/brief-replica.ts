import { z } from 'zod';
import { builtInProviders } from '../../providers/index.ts';
import { startApp } from '../../src/app.ts';
import { contractVersion, defineProvider, type OutcomeAnswer } from '../../src/contract/index.ts';

// The service as a process, with one provider whose verifications last some seconds, so
// that they end within a test. The test provides its upstream.

const brief = defineProvider({
  contractVersion,
  id: 'brief',
  title: 'Brief',
  jurisdiction: 'CN',
  settings: z.strictObject({ ENDPOINT: z.url(), SECRET: z.string() }),
  credentials: ['SECRET'],
  actions: {
    Start: { effect: 'free_start', perSecond: 100, maxResponseBytes: 10_000 },
    Result: { effect: 'read', perSecond: 100, maxResponseBytes: 10_000 },
  },
  faults: {},
  channels: {
    FACE_WEB: {
      action: 'Start',
      checks: ['LIVENESS'],
      requires: [],
      outcome: 'QUERY',
      optionsField: null,
      pollEveryMs: 1000,
      graceSeconds: 1,
      retentionSeconds: 3 * 24 * 3600,
      prepare: ({ extra }) => ({
        checks: ['LIVENESS'],
        start: async (call) => {
          await ask(call, 'Start', extra ?? '');
          return {
            launch: { kind: 'redirect', url: 'https://brief.example/go', token: 'brief-token' },
            session: { token: 'brief-token', extra: extra ?? '' },
            // One that is watched must not end by itself, however slow the machine.
            expiresInSeconds: extra === 'watched' ? 120 : 3,
          };
        },
      }),
      fetchOutcome: (call, { extra }) => ask<OutcomeAnswer>(call, 'Result', String(extra)),
    },
  },
  typeDefs: 'type BriefNothing { nothing: String }',
});

interface Call {
  readonly settings: { readonly ENDPOINT: string };
  readonly send: <T>(call: {
    action: string;
    build: () => {
      method: 'POST';
      url: string;
      headers: Readonly<Record<string, string>>;
      body: string;
    };
    read: (answer: { body: Buffer }) => T;
  }) => Promise<T>;
}

function ask<T = unknown>(call: Call, action: string, about: string): Promise<T> {
  return call.send({
    action,
    build: () => ({
      method: 'POST',
      url: call.settings.ENDPOINT,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action, about }),
    }),
    read: ({ body }) => JSON.parse(body.toString('utf8')) as T,
  });
}

const app = await startApp({ env: process.env, definitions: [...builtInProviders, brief] });
process.once('SIGTERM', () => {
  void app.stop().then(() => process.exit(0));
});
