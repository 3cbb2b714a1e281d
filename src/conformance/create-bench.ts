import { setTimeout } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { parseProviderSettings } from '../boot/parse-provider-settings.ts';
import { Secret, type Notification } from '../contract/index.ts';
import type { Store } from '../ports/index.ts';
import { createAccessTokens } from '../core/upstream/access-tokens.ts';
import type { Caller } from '../core/callers/caller.ts';
import { checkBankCard, type CheckBankCardOutcome } from '../core/bank-cards/check-bank-card.ts';
import type { CoreDeps } from '../core/core-deps.ts';
import { openTenantRules } from '../core/tenants/open-tenant-rules.ts';
import { createOpenedRecords } from '../core/records/opened-records.ts';
import { createNonceClock } from '../core/upstream/nonce-clock.ts';
import { createVerificationValues } from '../core/upstream/verification-values.ts';
import { readVerifications } from '../core/verifications/read-verifications.ts';
import {
  receiveNotification,
  type NotificationReceipt,
} from '../core/verifications/receive-notification.ts';
import { longestOpenDays } from '../core/records/longest-open-days.ts';
import type { VerificationRecord } from '../core/records/records.ts';
import { createRegistry } from '../core/upstream/registry.ts';
import {
  startVerification,
  type StartVerificationOutcome,
} from '../core/verifications/start-verification.ts';
import { createCockatielBreaker } from '../infra/cockatiel-breaker.ts';
import { createMemoryVelocity } from '../infra/memory/memory-velocity.ts';
import { createLog } from '../infra/log.ts';
import { createMemoryStore } from '../infra/memory/memory-store.ts';
import { createMetrics } from '../infra/metrics.ts';
import { noTracer } from '../infra/no-tracer.ts';
import { createOperationScopes } from '../infra/operation-scopes.ts';
import { createUpstreamClient } from '../infra/send-upstream.ts';
import { leastPollMs, observeProvider, type Observed } from './observe-provider.ts';
import {
  actionHeader,
  startRecordedUpstream,
  type RecordedUpstream,
  type WireFault,
} from './recorded-upstream.ts';
import type {
  Answers,
  BankCardCase,
  ConformanceSubject,
  RecordedAnswer,
  StartCase,
} from './subject.ts';

/** Core with one provider, which gets recorded responses. */
export interface Bench {
  readonly observed: Observed;
  readonly upstream: RecordedUpstream;
  readonly settings: unknown;
  readonly givenSettings: Readonly<Record<string, string>>;
  readonly deps: CoreDeps;
  readonly logLines: readonly string[];
  /** Actions that were called without a recorded response. */
  readonly unrecorded: ReadonlySet<string>;
  /** Everything that was passed to the store unencrypted. */
  readonly keptTexts: readonly string[];
  readonly start: (given: StartCase, idempotencyKey?: string) => Promise<StartVerificationOutcome>;
  /** The verification after the provider was queried. */
  readonly ask: (id: string) => Promise<VerificationRecord>;
  readonly check: (given: BankCardCase, idempotencyKey?: string) => Promise<CheckBankCardOutcome>;
  readonly notify: (capability: string, notification: Notification) => Promise<NotificationReceipt>;
  readonly close: () => Promise<void>;
}

export interface BenchTerms {
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly answers?: Answers | undefined;
  /** The wire fault for calls of an action. */
  readonly wire?: (action: string) => WireFault | undefined;
}

/** The time limit of a call that meets a fault. Shorter than in service, so that tests stay short. */
const faultWithinMs = 400;
/** How often and how long to look for the arrival of a request. */
const lookEveryMs = 20;
const mostLooks = 250;
const nobodyListens = 'http://127.0.0.1:1';

const caller: Caller = {
  tenantId: 'conformance-tenant',
  userId: 'conformance-user',
  scopes: new Set(['verification:start', 'verification:read', 'bankcard:check'] as const),
};

/** Throws if the settings of the subject are refused. */
export async function createBench(
  subject: ConformanceSubject,
  { settings: more = {}, answers = {}, wire = () => undefined }: BenchTerms = {},
): Promise<Bench> {
  const unrecorded = new Set<string>();
  const recorded = inTurn({ ...subject.always, ...answers }, wire);
  const upstream = await startRecordedUpstream((action) => {
    const answer = recorded(action);
    if (answer === undefined) unrecorded.add(action);
    return answer;
  });
  const client = createUpstreamClient();
  const givenSettings = { ...subject.settings(upstream.url), ...more };
  const parsed = parseProviderSettings(subject.provider, givenSettings);
  if ('wrong' in parsed) {
    await Promise.all([upstream.close(), client.close()]);
    throw new Error(`the settings of the subject are refused: ${parsed.wrong.join(' ')}`);
  }

  let aheadMs = 0;
  const now = (): number => Date.now() + aheadMs;
  const observed: Observed = {
    calls: [],
    started: [],
    urls: [],
    returnUrlReads: 0,
    outcomes: [],
    cardResults: [],
    thrown: [],
    notificationReads: 0,
    unread: [],
    tokens: [],
  };
  const logLines: string[] = [];
  const keptTexts: string[] = [];
  const store = noting(createMemoryStore({ now }), keptTexts);
  const hashKeys = [{ kid: 'k1', key: new Secret(randomBytes(32).toString('base64')) }] as const;
  const deps: CoreDeps = {
    registry: createRegistry([observeProvider(subject.provider, observed)], () => ({
      settings: parsed.settings,
      disabledReason: null,
      perSecond: {},
      account: 'conformance',
    })),
    store,
    opened: createOpenedRecords(() => {}),
    tenants: { rulesOf: () => openTenantRules },
    connectUpstream: async () => ({ release: () => {} }),
    sendUpstream: async (request, limits) => {
      const fault = wire(request.headers[actionHeader] ?? '');
      const isRefused = fault === 'refused';
      const { pathname, search } = new URL(request.url);
      const url = isRefused ? `${nobodyListens}${pathname}${search}` : request.url;
      const shortMs = faultWithinMs + sizeMs(limits.maxBytes);
      const timeoutMs = fault ? Math.min(limits.timeoutMs, shortMs) : limits.timeoutMs;
      const receivedBefore = upstream.received.length;
      try {
        return await client.send({ ...request, url }, { ...limits, timeoutMs });
      } finally {
        // On a busy machine the time may be over before the request has arrived.
        if (fault === 'silence') await waitFor(() => upstream.received.length > receivedBefore);
      }
    },
    limiter: {
      turn: async (_ask, steps) => {
        await steps?.prepare?.();
        return { isInTime: () => true, giveBack: () => {} };
      },
      backOff: async () => {},
    },
    breaker: createCockatielBreaker({ now, faultsToOpen: 1000 }),
    log: createLog('trace', collecting(logLines)),
    metrics: createMetrics(),
    scopes: createOperationScopes(),
    tracer: noTracer,
    accountTroubles: new Map(),
    now,
    nonceMs: createNonceClock(now),
    retryBudget: { earn: () => {}, spend: () => false },
    // The clock jumps, so that nobody waits.
    sleep: async (ms) => {
      aheadMs += ms;
    },
    verificationValues: createVerificationValues({ now }),
    accessTokens: createAccessTokens({ store, hashKeys, mode: 'conformance', now }),
    randomBytes,
    hashKeys,
    sandbox: true,
    publicUrl: 'https://verification.example',
    checksums: 'off',
    openDays: longestOpenDays([subject.provider]),
    velocity: createMemoryVelocity({ now }),
    inFlight: new Map(),
    sharing: new Map(),
    asking: new Map(),
    followUps: { plan: async () => {}, bringForward: async () => {} },
    publish: async () => {},
    events: { listen: async () => () => {} },
    refusalsTold: new Map(),
    shortestLifeMs: new WeakMap(),
  };
  const deadlineMs = (): number => now() + 9000;

  return {
    observed,
    upstream,
    settings: parsed.settings,
    givenSettings,
    deps,
    logLines,
    unrecorded,
    keptTexts,
    start: ({ channel, input }, idempotencyKey = 'conformance') => {
      const { options = null, hasRedirectUrl = false, ...rest } = input;
      const redirectUrl = hasRedirectUrl ? 'https://app.example/done' : null;
      const field = subject.provider.channels[channel]?.optionsField ?? null;
      const given = options === null || field === null ? null : { [field]: options };
      return startVerification(
        deps,
        caller,
        {
          ...{ idempotencyKey, channel, provider: subject.provider.id },
          ...{ ...rest, redirectUrl, options: given },
        },
        deadlineMs(),
      );
    },
    ask: async (id) => {
      const record = async () => {
        const [found] = await readVerifications(deps, caller, [id], deadlineMs());
        if (!found || found instanceof Error) throw new Error('the verification cannot be read');
        return found;
      };
      const { channel } = await record();
      aheadMs += Math.max(leastPollMs, subject.provider.channels[channel]?.pollEveryMs ?? 0) + 1;
      return record();
    },
    check: ({ input }, idempotencyKey = 'conformance') =>
      checkBankCard(
        deps,
        caller,
        {
          cardNumber: '',
          maxAgeSeconds: 0,
          ...input,
          idempotencyKey,
          provider: subject.provider.id,
        },
        deadlineMs(),
      ),
    notify: (capability, notification) =>
      receiveNotification(deps, subject.provider.id, capability, notification),
    close: async () => {
      await Promise.all([upstream.close(), client.close()]);
    },
  };
}

async function waitFor(isSo: () => boolean): Promise<void> {
  for (let look = 0; look < mostLooks && !isSo(); look++) await setTimeout(lookEveryMs);
}

/** Runs `work` on a bench and closes it. */
export async function onBench<T>(
  subject: ConformanceSubject,
  terms: BenchTerms,
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const bench = await createBench(subject, terms);
  try {
    return await work(bench);
  } finally {
    await bench.close();
  }
}

function inTurn(
  answers: Answers,
  wire: (action: string) => WireFault | undefined,
): (action: string) => RecordedAnswer | Exclude<WireFault, 'refused'> | undefined {
  const given = new Map<string, number>();
  return (action) => {
    const fault = wire(action);
    if (fault !== undefined && fault !== 'refused') return fault;
    if (!Object.hasOwn(answers, action)) return undefined;
    const answer = answers[action];
    if (!isList(answer)) return answer;
    const at = given.get(action) ?? 0;
    given.set(action, at + 1);
    return answer[Math.min(at, answer.length - 1)];
  };
}

function isList(
  answer: RecordedAnswer | readonly RecordedAnswer[] | undefined,
): answer is readonly RecordedAnswer[] {
  return Array.isArray(answer);
}

/** Large responses take time, even more on a slow machine. */
function sizeMs(bytes: number): number {
  return Math.min(5000, (bytes / (1024 * 1024)) * 100);
}

/** Records what reaches the store unencrypted: keys, ids, and records without their personal part. */
function noting(store: Store, kept: string[]): Store {
  const { records, cache, claims, lists } = store;
  return {
    ...store,
    claims: {
      ...claims,
      take: (claim) => {
        kept.push(JSON.stringify(claim));
        return claims.take(claim);
      },
    },
    records: {
      ...records,
      create: (id, parts, life) => {
        kept.push(id, parts.body);
        return records.create(id, parts, life);
      },
      replace: (record, parts, life, entries) => {
        kept.push(parts.body);
        return records.replace(record, parts, life, entries);
      },
    },
    cache: {
      ...cache,
      set: (key, body, seconds) => {
        kept.push(key);
        return cache.set(key, body, seconds);
      },
    },
    lists: {
      ...lists,
      add: (key, entry, seconds) => {
        kept.push(key);
        return lists.add(key, entry, seconds);
      },
    },
  };
}

function collecting(lines: string[]): Writable {
  return new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
}
