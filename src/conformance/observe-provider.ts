import {
  ProviderFault,
  type AnyProvider,
  type BankCardResult,
  type Notification,
  type OutcomeAnswer,
  type Prepared,
  type PreparedBankCardCheck,
  type Progress,
  type ProviderCall,
  type Started,
  type StartUrls,
  type UpstreamRequest,
  type VerifyContext,
} from '../contract/index.ts';
import { actionHeader } from './recorded-upstream.ts';

/** What a plugin did, seen from core. */
export interface Observed {
  /** The actions that it asked core to call, in order, whether sent or not. */
  readonly calls: string[];
  readonly started: Started[];
  readonly urls: StartUrls[];
  /** How often a start read `returnUrl`. */
  returnUrlReads: number;
  readonly outcomes: OutcomeAnswer[];
  readonly cardResults: BankCardResult[];
  /** What its operations threw. */
  readonly thrown: unknown[];
  /** How often it read a notification. */
  notificationReads: number;
  /** What reading a response threw, if that was not a fault. */
  readonly unread: unknown[];
  /** The access tokens that it was given. */
  readonly tokens: string[];
}

/** The time limit for anything that a plugin awaits besides its calls. */
const settlesWithinMs = 12_000;
/** With a shorter interval, core itself would query between two steps of a test. */
export const leastPollMs = 1000;

/** The plugin, with a record of everything that passes between it and core. */
export function observeProvider(provider: AnyProvider, observed: Observed): AnyProvider {
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
        read: (answer, notes) => {
          try {
            return upstream.read(answer, notes);
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
              const started = await prepared.start(lend(call), noteReads(urls, observed));
              if (started?.outcome) observed.outcomes.push(started.outcome);
              return started;
            }, observed.started);
          },
        };
      },
      ...(channel.fetchOutcome
        ? {
            fetchOutcome: (
              call: ProviderCall<unknown>,
              session: Started['session'],
              progress: Progress,
            ) =>
              noted(
                async () =>
                  channel.fetchOutcome?.(lend(call), session, progress) as Promise<OutcomeAnswer>,
                observed.outcomes,
              ),
          }
        : {}),
      ...(channel.notification
        ? {
            notification: {
              ...channel.notification,
              verify:
                channel.notification.verify &&
                ((notification: Notification, context: VerifyContext<unknown>) =>
                  channel.notification?.verify?.(notification, {
                    ...context,
                    cached: (key, keepSeconds, fetch, isStale) =>
                      context.cached(key, keepSeconds, async (call) => fetch(lend(call)), isStale),
                  })),
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
            variants: bankCard.variants.map((variant) => ({
              ...variant,
              prepare: (
                ...given: Parameters<typeof variant.prepare>
              ): PreparedBankCardCheck<unknown> => {
                const prepared = preparedBy('bankCard', variant.prepare(...given));
                if ('problems' in prepared) return prepared;
                const check = (call: ProviderCall<unknown>) =>
                  noted(() => prepared.check(lend(call)), observed.cardResults);
                return { check };
              },
            })),
          },
        }
      : {}),
  } as AnyProvider;
}

function tagged(request: UpstreamRequest, action: string): UpstreamRequest {
  return { ...request, headers: { ...request.headers, [actionHeader]: action } };
}

/** Like `lastFault`, with the cause for a developer: why the response could not be read. */
export function explainFault(observed: Observed): string | null {
  const fault = lastFault(observed);
  const cause = observed.unread.at(-1);
  const isExplained =
    fault !== 'protocol' || !(cause instanceof Error) || cause instanceof ProviderFault;
  return isExplained
    ? fault
    : `protocol, because reading the response throws ${cause.name}: ${cause.message}`;
}

/** The kind of the last thrown fault, or the text of the last error if it is not a fault. */
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
  throw new Error(
    `prepare of ${what} must return { problems }, or { start } or { check }, synchronously`,
  );
}

function noteReads(urls: StartUrls, observed: Observed): StartUrls {
  return {
    ...urls,
    get returnUrl() {
      observed.returnUrlReads += 1;
      return urls.returnUrl;
    },
  };
}

/** Providers with an operation that never settled. Their further operations fail at once. */
const stuck = new WeakSet<AnyProvider>();

async function settled<T>(provider: AnyProvider, begin: () => Promise<T>): Promise<T> {
  const message = 'its promise never settles';
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
