import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { parseProviderSettings } from '../config.ts';
import {
  ProviderFault,
  Secret,
  type AnyProvider,
  type BankCardResult,
  type Notification,
  type OutcomeAnswer,
  type Prepared,
  type PreparedBankCardCheck,
  type ProviderCall,
  type Started,
  type StartUrls,
  type Store,
  type UpstreamRequest,
} from '../contract/index.ts';
import { createAccessTokens } from '../core/access-tokens.ts';
import type { Caller } from '../core/caller.ts';
import { checkBankCard, type CheckBankCardOutcome } from '../core/check-bank-card.ts';
import type { CoreDeps } from '../core/core-deps.ts';
import { createNonceClock } from '../core/nonce-clock.ts';
import { readVerifications } from '../core/read-verifications.ts';
import { receiveNotification, type NotificationReceipt } from '../core/receive-notification.ts';
import type { VerificationRecord } from '../core/records.ts';
import { createRegistry } from '../core/registry.ts';
import { startVerification, type StartVerificationOutcome } from '../core/start-verification.ts';
import { createCockatielBreaker } from '../infra/cockatiel-breaker.ts';
import { createVelocity } from '../infra/flexible-velocity.ts';
import { createLog } from '../infra/log.ts';
import { createMemoryStore } from '../infra/memory-store.ts';
import { createMetrics } from '../infra/metrics.ts';
import { createUpstreamClient } from '../infra/send-upstream.ts';
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

/** What a plugin did, seen from core's side. */
export interface Observed {
  /** Actions that it asked core to call, in order, called or not. */
  readonly calls: string[];
  readonly started: Started[];
  readonly urls: StartUrls[];
  readonly outcomes: OutcomeAnswer[];
  readonly cardResults: BankCardResult[];
  /** What an operation of it threw. */
  readonly thrown: unknown[];
  /** How often it read a notification. */
  notificationReads: number;
  /** What reading an answer threw, where it was no fault. */
  readonly unread: unknown[];
  /** Access tokens that it was given. */
  readonly tokens: string[];
}

/** The core with one provider, over recorded answers. */
export interface Bench {
  readonly observed: Observed;
  readonly upstream: RecordedUpstream;
  readonly settings: unknown;
  readonly givenSettings: Readonly<Record<string, string>>;
  readonly deps: CoreDeps;
  readonly logLines: readonly string[];
  /** Actions that were called and have no recorded answer. */
  readonly unrecorded: ReadonlySet<string>;
  /** Everything that the store was given to keep in the clear. */
  readonly keptTexts: readonly string[];
  readonly passTime: (ms: number) => void;
  readonly start: (given: StartCase, idempotencyKey?: string) => Promise<StartVerificationOutcome>;
  /** The verification as it is after the provider was asked. */
  readonly ask: (id: string) => Promise<VerificationRecord>;
  readonly check: (given: BankCardCase, idempotencyKey?: string) => Promise<CheckBankCardOutcome>;
  readonly notify: (capability: string, notification: Notification) => Promise<NotificationReceipt>;
  readonly close: () => Promise<void>;
}

export interface BenchTerms {
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly answers?: Answers | undefined;
  /** What the wire does to calls of an action. */
  readonly wire?: (action: string) => WireFault | undefined;
}

/** A call that meets a fault is given up sooner than in service, so that tests stay short. */
const faultWithinMs = 400;
/** Whatever a plugin waits for beside its calls. */
const settlesWithinMs = 12_000;
/** Below that, core itself would ask between two steps of a test. */
const leastPollMs = 1000;
const nobodyListens = 'http://127.0.0.1:1';

const caller: Caller = {
  tenantId: 'conformance-tenant',
  userId: 'conformance-user',
  scopes: new Set(['verification:start', 'verification:read', 'bankcard:check'] as const),
};

/** Throws when the settings of the subject are refused. */
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
    registry: createRegistry([observing(subject.provider, observed)], () => ({
      settings: parsed.settings,
      disabledReason: null,
      perSecond: {},
      account: 'conformance',
    })),
    store,
    sendUpstream: (request, limits) => {
      const isRefused = wire(request.headers[actionHeader] ?? '') === 'refused';
      const { pathname, search } = new URL(request.url);
      const url = isRefused ? `${nobodyListens}${pathname}${search}` : request.url;
      const isFaulty = wire(request.headers[actionHeader] ?? '') !== undefined;
      const shortMs = faultWithinMs + sizeMs(limits.maxBytes);
      const timeoutMs = isFaulty ? Math.min(limits.timeoutMs, shortMs) : limits.timeoutMs;
      return client.send({ ...request, url }, { ...limits, timeoutMs });
    },
    limiter: { turn: async (_ask, prepare) => prepare?.(), backOff: async () => {} },
    breaker: createCockatielBreaker({ now, faultsToOpen: 1000 }),
    log: createLog('trace', collecting(logLines)),
    metrics: createMetrics(),
    now,
    nonceMs: createNonceClock(now),
    retryBudget: { earn: () => {}, spend: () => false },
    accessTokens: createAccessTokens({ store, hashKeys, mode: 'conformance', now }),
    randomBytes,
    hashKeys,
    sandbox: true,
    publicUrl: 'https://verification.example',
    redirectRules: { origins: null, allowLocalhost: true },
    checksums: 'off',
    retentionDays: 30,
    bankCardCacheSeconds: 0,
    velocity: createVelocity({ client: null, mode: 'conformance' }),
    velocityRules: { user: null, card: null, idNumber: null, tenantDaily: null, tenantShare: null },
    inFlight: new Map(),
    sharing: new Map(),
    asking: new Map(),
    visits: { plan: async () => {} },
    announce: async () => {},
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
    passTime: (ms) => {
      aheadMs += ms;
    },
    start: ({ channel, input }, idempotencyKey = 'conformance') => {
      const { options = null, ...rest } = input;
      const field = subject.provider.channels[channel]?.optionsField ?? null;
      const given = options === null || field === null ? null : { [field]: options };
      return startVerification(
        deps,
        caller,
        { idempotencyKey, channel, provider: subject.provider.id, ...rest, options: given },
        deadlineMs(),
      );
    },
    ask: async (id) => {
      const record = async () => {
        const [found] = await readVerifications(deps, caller, [id], deadlineMs());
        if (!found || found instanceof Error) throw new Error('the verification is gone');
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
          phone: '',
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

/** Runs work on a bench, and takes it down. */
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

/** Large answers take their time, on a slow machine too. */
function sizeMs(bytes: number): number {
  return Math.min(5000, (bytes / (1024 * 1024)) * 100);
}

/** The plugin, with everything noted that passes between it and core. */
function observing(provider: AnyProvider, observed: Observed): AnyProvider {
  const lend = (call: ProviderCall<unknown>): ProviderCall<unknown> => ({
    ...call,
    accessToken: async (name, fetch) => {
      const token = await call.accessToken(name, fetch);
      observed.tokens.push(token.reveal());
      return token;
    },
    send: (upstream) => {
      observed.calls.push(upstream.action);
      return call.send({
        ...upstream,
        read: (answer) => {
          try {
            return upstream.read(answer);
          } catch (error) {
            observed.unread.push(error);
            throw error;
          }
        },
        build: (nowMs, nonceMs) => tagged(upstream.build(nowMs, nonceMs), upstream.action),
      });
    },
  });
  const noted = async <T>(begin: () => Promise<T>, into: T[]): Promise<T> => {
    try {
      const result = await settled(provider, begin);
      into.push(result);
      return result;
    } catch (error) {
      observed.thrown.push(error);
      throw error;
    }
  };

  const channels = Object.entries(provider.channels).map(([name, channel]) => [
    name,
    {
      ...channel,
      pollEveryMs: Math.max(leastPollMs, channel.pollEveryMs),
      prepare: (...given: Parameters<typeof channel.prepare>): Prepared<unknown> => {
        const prepared = preparedBy(name, channel.prepare(...given));
        if ('problems' in prepared) return prepared;
        return {
          ...prepared,
          start: (call, urls) => {
            observed.urls.push(urls);
            return noted(async () => {
              const started = await prepared.start(lend(call), urls);
              if (started?.outcome) observed.outcomes.push(started.outcome);
              return started;
            }, observed.started);
          },
        };
      },
      ...(channel.fetchOutcome
        ? {
            fetchOutcome: (call: ProviderCall<unknown>, session: Started['session']) =>
              noted(
                async () => channel.fetchOutcome?.(lend(call), session) as Promise<OutcomeAnswer>,
                observed.outcomes,
              ),
          }
        : {}),
      ...(channel.notification
        ? {
            notification: {
              ...channel.notification,
              read: (...given: Parameters<typeof channel.notification.read>) => {
                observed.notificationReads += 1;
                const answer = channel.notification?.read(...given) ?? null;
                if (answer) observed.outcomes.push(answer);
                return answer;
              },
            },
          }
        : {}),
    },
  ]);
  const { bankCard } = provider;
  return {
    ...provider,
    channels: Object.fromEntries(channels),
    ...(bankCard
      ? {
          bankCard: {
            ...bankCard,
            prepare: (
              ...given: Parameters<typeof bankCard.prepare>
            ): PreparedBankCardCheck<unknown> => {
              const prepared = preparedBy('bankCard', bankCard.prepare(...given));
              if ('problems' in prepared) return prepared;
              const check = (call: ProviderCall<unknown>) =>
                noted(() => prepared.check(lend(call)), observed.cardResults);
              return { check };
            },
          },
        }
      : {}),
  } as AnyProvider;
}

function tagged(request: UpstreamRequest, action: string): UpstreamRequest {
  return { ...request, headers: { ...request.headers, [actionHeader]: action } };
}

/** What is not sealed on its way into a store: keys, ids, and records but for their personal part. */
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
      replace: (record, parts, life) => {
        kept.push(parts.body);
        return records.replace(record, parts, life);
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

/** The same for a person who has to mend it: with what could not be read. */
export function explainFault(observed: Observed): string | null {
  const fault = lastFault(observed);
  const cause = observed.unread.at(-1);
  const isExplained =
    fault !== 'protocol' || !(cause instanceof Error) || cause instanceof ProviderFault;
  return isExplained
    ? fault
    : `protocol, for reading its answer throws ${cause.name}: ${cause.message}`;
}

/** The kind of what an operation threw last, or the error itself where it is no fault. */
export function lastFault({ thrown }: Observed): string | null {
  if (thrown.length === 0) return null;
  const error = thrown.at(-1);
  if (error instanceof ProviderFault) return error.kind;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function preparedBy<T extends object>(what: string, prepared: T): T {
  const isRight =
    typeof prepared === 'object' &&
    prepared !== null &&
    ('problems' in prepared || 'start' in prepared || 'check' in prepared);
  if (isRight) return prepared;
  throw new Error(`prepare of ${what} must return { problems }, or what is to be done, at once`);
}

/** Providers of which something never ended: nothing of them is waited for again. */
const stuck = new WeakSet<AnyProvider>();

async function settled<T>(provider: AnyProvider, begin: () => Promise<T>): Promise<T> {
  const message = 'it never settles';
  if (stuck.has(provider)) throw new Error(message);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      stuck.add(provider);
      reject(new Error(message));
    }, settlesWithinMs);
  });
  try {
    const result = await Promise.race([begin(), late]);
    if (result === undefined) throw new Error('it returns nothing');
    return result;
  } finally {
    clearTimeout(timer);
  }
}
