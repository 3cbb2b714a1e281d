import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import {
  bankCardElements,
  contractVersion,
  defineProvider,
  ProviderErrorResponse,
  ProviderFault,
  Secret,
  type AnyProvider,
  type BankCardDefinition,
  type BankCardResult,
  type BankCardVariant,
  type FaultKind,
  type OutcomeAnswer,
} from '../../src/contract/index.ts';
import type { LedgerEntry, Limiter, Store } from '../../src/ports/index.ts';
import { createAccessTokens } from '../../src/core/upstream/access-tokens.ts';
import type { Caller, Scope } from '../../src/core/callers/caller.ts';
import type { CoreDeps } from '../../src/core/core-deps.ts';
import { longestOpenDays } from '../../src/core/records/longest-open-days.ts';
import { createVerificationValues } from '../../src/core/upstream/verification-values.ts';
import { openTenantRules } from '../../src/core/tenants/open-tenant-rules.ts';
import type { TenantRules } from '../../src/core/tenants/tenant-rules.ts';
import { createOpenedRecords } from '../../src/core/records/opened-records.ts';
import { createNonceClock } from '../../src/core/upstream/nonce-clock.ts';
import { createRegistry, type Routing } from '../../src/core/upstream/registry.ts';
import { createCockatielBreaker } from '../../src/infra/cockatiel-breaker.ts';
import { toEvent } from '../../src/core/ledger/to-event.ts';
import { createListeners } from '../../src/infra/event-listeners.ts';
import { createLog } from '../../src/infra/log.ts';
import { createMemoryStore } from '../../src/infra/memory/memory-store.ts';
import { createMemoryVelocity } from '../../src/infra/memory/memory-velocity.ts';
import { createMetrics } from '../../src/infra/metrics.ts';
import { noTracer } from '../../src/infra/no-tracer.ts';
import { createOperationScopes } from '../../src/infra/operation-scopes.ts';
import { probeRequest } from './probe-request.ts';

/** How the provider answers one call: as JSON, with a fault, or with its own error. */
export type Reply = () => Promise<object> | object;

export interface TestCore {
  readonly deps: CoreDeps;
  readonly provider: {
    /** Every call that reached the provider: its bill. */
    readonly ledger: { readonly action: string; readonly body: unknown }[];
    /** How the next calls are answered; the last one stays. */
    readonly reply: (...replies: Reply[]) => void;
  };
  readonly clock: { ms: number };
  /** Every entry of the ledger. */
  readonly entries: readonly LedgerEntry[];
}

/** The core over a memory store, with a clock and a provider of the test. */
export function createTestCore(
  changes: {
    readonly store?: (store: Store) => Store;
    readonly limiter?: Limiter;
    readonly definitions?: readonly AnyProvider[];
    /** Ids of providers that are not enabled. */
    readonly off?: readonly string[];
    readonly routing?: Routing;
    readonly rules?: Partial<TenantRules>;
    readonly deps?: Partial<CoreDeps>;
  } = {},
): TestCore {
  const clock = { ms: 1_800_000_000_000 };
  const now = (): number => clock.ms;
  const ledger: { action: string; body: unknown }[] = [];
  let replies: Reply[] = [() => ({})];
  const entries: LedgerEntry[] = [];
  const listeners = createListeners();
  const store = createMemoryStore({
    now,
    onEntry: (entry) => {
      entries.push(entry);
      const event = toEvent(entry);
      if (event) listeners.tell(event.recordId);
    },
  });
  const definitions = changes.definitions ?? [probe];
  const hashKeys = [
    { kid: 'k1', key: new Secret(Buffer.alloc(32, 7).toString('base64')) },
  ] as const;
  const deps: CoreDeps = {
    registry: createRegistry(
      definitions,
      ({ id }) => ({
        settings: {},
        disabledReason: changes.off?.includes(id) ? 'Off.' : null,
        perSecond: {},
        account: 'test',
      }),
      changes.routing,
    ),
    store: changes.store?.(store) ?? store,
    connectUpstream: async () => ({ release: () => {} }),
    sendUpstream: async (request) => {
      const { action, ...body } = JSON.parse(String(request.body ?? '{}'));
      ledger.push({ action, body });
      const reply = replies.length > 1 ? replies.shift() : replies[0];
      const answer = await reply?.();
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(answer)) };
    },
    limiter: changes.limiter ?? {
      turn: async (_ask, steps) => {
        await steps?.prepare?.();
        return { isInTime: () => true, giveBack: () => {} };
      },
      backOff: async () => {},
    },
    breaker: createCockatielBreaker({ now, faultsToOpen: 5 }),
    log: createLog('silent'),
    metrics: createMetrics(),
    scopes: createOperationScopes(),
    tracer: noTracer,
    accountTroubles: new Map(),
    now,
    nonceMs: createNonceClock(now),
    // Retries are off unless a test turns them on.
    retryBudget: { earn: () => {}, spend: () => false },
    randomBytes,
    sleep: async (ms) => {
      clock.ms += ms;
    },
    verificationValues: createVerificationValues({ now }),
    accessTokens: createAccessTokens({ store, hashKeys, mode: 'test', now }),
    hashKeys,
    sandbox: true,
    publicUrl: 'https://idv.example',
    checksums: 'off',
    tenants: {
      rulesOf: (tenantId) => ({
        ...openTenantRules,
        mostIdentity: tenantId === 'tenant-1' ? 'FULL' : 'MASKED',
        bankCardCacheSeconds: 86_400,
        ...changes.rules,
      }),
    },
    opened: createOpenedRecords((work, ms) => void setTimeout(work, ms).unref()),
    openDays: longestOpenDays(definitions),
    velocity: createMemoryVelocity({ now }),
    inFlight: new Map(),
    sharing: new Map(),
    asking: new Map(),
    followUps: { plan: async () => {}, bringForward: async () => {} },
    publish: async ({ recordId }) => listeners.tell(recordId),
    events: { listen: async (recordId, listener) => listeners.add(recordId, listener) },
    refusalsTold: new Map(),
    shortestLifeMs: new WeakMap(),
    ...changes.deps,
  };
  return {
    deps,
    clock,
    entries,
    provider: {
      ledger,
      reply: (...next) => {
        replies = next;
      },
    },
  };
}

/** A reply that ends in a fault of this kind. */
export function failing(kind: FaultKind): Reply {
  return () => {
    throw new ProviderFault(kind);
  };
}

export function callerOf(
  userId = 'user-1',
  tenantId = 'tenant-1',
  extraScopes: readonly Scope[] = [],
): Caller {
  const scopes: Scope[] = [
    'verification:start',
    'verification:read',
    'bankcard:check',
    ...extraScopes,
  ];
  return { tenantId, userId, scopes: new Set(scopes) };
}

/** Card checks of a provider that compares all four elements. */
export function allFour(
  variant: Omit<BankCardVariant<unknown>, 'elements'>,
): BankCardDefinition<unknown> {
  return { variants: [{ ...variant, elements: bankCardElements }] };
}

/** A small provider for tests: its responses are its outcomes. */
export const probe = defineProvider({
  contractVersion,
  id: 'probe',
  title: 'Probe',
  jurisdiction: 'CN',
  settings: z.object({}),
  credentials: [],
  actions: {
    Start: { effect: 'free_start', perSecond: 100, maxResponseBytes: 1000 },
    Result: { effect: 'read', perSecond: 100, maxResponseBytes: 1000 },
    Check: { effect: 'may_charge', perSecond: 20, maxResponseBytes: 1000 },
  },
  faults: { Busy: 'busy', 'Refused.Input': 'rejected' },
  channels: {
    FACE_WEB: {
      action: 'Start',
      checks: ['LIVENESS'],
      requires: [],
      outcome: 'QUERY',
      optionsField: null,
      pollEveryMs: 1000,
      graceSeconds: 60,
      retentionSeconds: 3 * 24 * 3600,
      prepare: () => ({
        checks: ['LIVENESS'],
        start: async (call, urls) => {
          await send(call, 'Start', urls);
          return {
            launch: { kind: 'redirect', url: 'https://provider.example/go', token: 'T' },
            session: { token: 'T' },
            expiresInSeconds: 600,
          };
        },
      }),
      fetchOutcome: (call) => send<OutcomeAnswer>(call, 'Result', {}),
    },
  },
  bankCard: allFour({
    action: 'Check',
    prepare: () => ({ check: (call) => send<BankCardResult>(call, 'Check', {}) }),
  }),
  typeDefs: 'type ProbeNothing { nothing: String }',
});

function send<T>(
  call: { send: (upstream: never) => Promise<unknown> },
  action: string,
  body: object,
): Promise<T> {
  const upstream = {
    action,
    build: () => probeRequest(action, body),
    read: (answer: { body: Buffer }) => {
      const parsed = JSON.parse(answer.body.toString('utf8'));
      if (parsed.error) throw new ProviderErrorResponse(parsed.error);
      return parsed;
    },
  };
  return call.send(upstream as never) as Promise<T>;
}

export const matched: BankCardResult = {
  outcome: 'MATCHED',
  reason: 'ALL_MATCHED',
  code: '0',
  message: null,
  billing: 'CHARGED',
};

export const passedAnswer = {
  kind: 'ended',
  result: {
    status: 'PASSED',
    code: '0',
    reason: 'VERIFIED',
    message: null,
    similarity: 97,
    completedAtMs: null,
    billing: 'CHARGED',
    chargedAttempts: 1,
    details: null,
  },
} as const satisfies OutcomeAnswer;
