import type {
  CancelVerificationMutation,
  ReadVerificationQuery,
  StartVerificationInput,
  StartVerificationMutation,
  VerificationEndedSubscription,
  VFragment as Verification,
} from './generated.ts';
import { cancelDocument, endedDocument, readDocument, startDocument } from './operations.ts';

/** What a GraphQL server answers. */
export interface GraphqlResult<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string };
  }[];
}

/** How the client reaches your supergraph. `httpTransport` makes one; a mini-program brings its own. */
export interface Transport {
  /** Rejects if the request was lost. */
  readonly send: <Data>(
    query: string,
    variables: object,
    signal?: AbortSignal,
  ) => Promise<GraphqlResult<Data>>;
  /** Throws if there are no subscriptions. Without it the client polls. */
  readonly subscribe?: <Data>(
    query: string,
    variables: object,
    signal?: AbortSignal,
  ) => AsyncIterable<GraphqlResult<Data>>;
}

/** What went wrong, and why it was not tried again. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError';
  /** A `VerificationProblemCode`, or the code of a GraphQL error; `HTTP_…` for a response that is no GraphQL. */
  declare readonly code: string;
  /** The wrong fields of an input problem. */
  declare readonly fields: readonly { readonly path: string; readonly message: string }[];
  /** `NEW_KEY`: another attempt may be charged again, so a person has to decide. */
  declare readonly retry: string | null;

  constructor(
    code: string,
    message = code,
    { fields = [], retry = null }: Partial<Pick<VerificationError, 'fields' | 'retry'>> = {},
  ) {
    super(message);
    Object.assign(this, { code, fields, retry });
  }
}

export interface VerificationClient {
  /**
   * Starts a verification, or returns that of an earlier start with the same `idempotencyKey`. Safe to call again. With
   * `launchState: OPEN` the person can go to `launch`. Throws `VerificationError`.
   */
  readonly start: (input: StartVerificationInput) => Promise<Verification>;
  /**
   * For a person who may have pressed the button before: `start`, and if the launch is used up, a new verification under
   * `newKey()` in the place of the old one. Throws `VerificationError`.
   */
  readonly pressedAgain: (
    input: StartVerificationInput,
    newKey: () => string,
  ) => Promise<Verification>;
  /**
   * Resolves once the verification has ended. `PASSED` is the only status that means passed. Waits while the page is
   * hidden. Throws `VerificationError` if it cannot be learnt, and the reason of `signal`.
   */
  readonly waitForEnd: (
    id: string,
    options?: { readonly signal?: AbortSignal },
  ) => Promise<Verification>;
}

/** Errors that stay, however often one asks. Others pass, or are given up after `mostFailures`. */
const lasting =
  /^(?:UNAUTH.*|AUTH_.*|FORBIDDEN|BAD_(?:REQ|USER).*|GRAPHQL_.*|PERSISTED_.*|HTTP_4(?!08|25|29).*|NOT_FOUND|REDACTED)$/u;
const mostFailures = 20;
/** A person does not look at a page that stands still for longer than this. */
const mostWaitMs = 5000;
const mostAttempts = 3;
const pauseMs = 1000;
/** Longer than any answer of the subgraph. */
const answerWithinMs = 20_000;
/** Longer than any subscription. */
const listenWithinMs = 1_000_000;

interface Page {
  readonly hidden: boolean;
  readonly addEventListener: AbortSignal['addEventListener'];
}

/** Outside of a page there is no document. */
const page = (): Page | undefined => (globalThis as { readonly document?: Page }).document;

export function createVerificationClient({ send, subscribe }: Transport): VerificationClient {
  async function begin(input: StartVerificationInput): Promise<Verification> {
    for (let attempt = 1; ; attempt++) {
      const [error, data] = await ask<StartVerificationMutation>(startDocument, { input });
      const result = data?.startVerification;
      if (result?.__typename === 'StartVerificationSuccess') return result.verification;
      // SAME_KEY is safe to repeat, and so is a request that was lost. Wrong input stays wrong.
      const isRepeatable = result
        ? result.retry === 'SAME_KEY' && !('fields' in result)
        : !isLasting(error);
      const waitMs = result?.retryAfterMs ?? pauseMs;
      if (!isRepeatable || waitMs > mostWaitMs || attempt === mostAttempts) {
        throw result ? new VerificationError(result.code, result.message, result) : error;
      }
      await pause(waitMs);
    }
  }

  /** The error, and the data as far as there is some. A lost request is an error too. */
  async function ask<Data>(
    query: string,
    variables: object,
    signal?: AbortSignal,
  ): Promise<readonly [VerificationError, Data | null]> {
    try {
      const { data, errors } = await Promise.race([
        send<Data>(query, variables, signal),
        pause(answerWithinMs, signal).then((): never => {
          throw new Error('late');
        }),
      ]);
      return [toError(errors), data ?? null];
    } catch (error) {
      signal?.throwIfAborted();
      return [new VerificationError('LOST', String(error)), null];
    }
  }

  /** Reads until `isDone`. With `hear` it listens in between. */
  async function watch(
    id: string,
    isDone: (seen: Verification) => unknown,
    signal?: AbortSignal,
    hear?: (id: string, signal: AbortSignal) => Promise<Verification | null>,
  ): Promise<Verification> {
    let deaf = 0;
    let failures = 0;
    for (;;) {
      // In vain while nobody sees the page.
      while (page()?.hidden) await pause(pauseMs, signal);
      const listens = hear && deaf < mostAttempts;
      if (listens) {
        const beganMs = Date.now();
        const heard = await whileVisible((until) => hear(id, until), signal);
        if (heard) return heard;
        // One that ends at once, again and again, is none.
        deaf = Date.now() - beganMs < mostWaitMs ? deaf + 1 : 0;
      }
      signal?.throwIfAborted();
      const [error, data] = await ask<ReadVerificationQuery>(readDocument, { id }, signal);
      const seen = data?.verification;
      // Null without an error means that there is none.
      if (error.code === 'NONE' && data && !seen) throw new VerificationError('NOT_FOUND');
      if (seen && isDone(seen)) return seen;
      if (seen?.redactedAt) throw new VerificationError('REDACTED');
      failures = seen ? 0 : failures + 1;
      if (!seen && (isLasting(error) || failures === mostFailures)) throw error;
      // A subscription that ended without a value begins again after a moment.
      await pause((!listens && seen?.nextPollAfterMs) || pauseMs, signal);
    }
  }

  /** The end as the subscription tells it; null if it told none. */
  async function hearEnd(id: string, signal: AbortSignal): Promise<Verification | null> {
    const results = subscribe?.<VerificationEndedSubscription>(endedDocument, { id }, signal);
    for await (const { data } of results ?? []) {
      const ended = data?.verificationEnded;
      if (ended?.id === id) return ended;
    }
    return null;
  }

  /** Null once the page is hidden: its connections may be dead when the person comes back. */
  function whileVisible<T>(
    work: (until: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T | null> {
    const control = new AbortController();
    const until = control.signal;
    const stop = (): void => control.abort();
    signal?.addEventListener('abort', stop, { signal: until });
    page()?.addEventListener('visibilitychange', stop, { signal: until });
    return Promise.race([work(until), pause(listenWithinMs, until).then(() => null)])
      .catch(() => null)
      .finally(stop);
  }

  /** Some providers make the link only after the start. */
  async function withLaunch(started: Verification): Promise<Verification> {
    const isLaunched = ({ launchState, launch }: Verification): boolean =>
      launchState !== 'OPEN' || launch !== null;
    return isLaunched(started) ? started : watch(started.id, isLaunched);
  }

  /** Two presses at once are one. */
  const pressed = new Map<string, Promise<Verification>>();

  async function press(input: StartVerificationInput, newKey: () => string): Promise<Verification> {
    const verification = await withLaunch(await begin(input));
    const { id, launchState, phase, status } = verification;
    if (
      /^(?:OPEN|PROCESSING|UNDER_REVIEW|PASSED)$/mu.test([launchState, phase, status].join('\n'))
    ) {
      return verification;
    }
    const [error, data] = await ask<CancelVerificationMutation>(cancelDocument, { id });
    const result = data?.cancelVerification;
    if (!result) throw error;
    if (!('verification' in result)) throw new VerificationError(result.code, result.message);
    // An outcome that the provider had already counts.
    return /^(?:CANCELLED|EXPIRED|FAILED)$/u.test(result.verification.status)
      ? withLaunch(await begin({ ...input, idempotencyKey: newKey() }))
      : result.verification;
  }

  return {
    start: async (input) => withLaunch(await begin(input)),
    pressedAgain: (input, newKey) => {
      const { idempotencyKey: key } = input;
      const pressing = pressed.get(key) ?? press(input, newKey).finally(() => pressed.delete(key));
      pressed.set(key, pressing);
      return pressing;
    },
    waitForEnd: (id, { signal } = {}) =>
      watch(id, ({ status }) => status !== 'PENDING', signal, subscribe && hearEnd),
  };
}

function toError(errors: GraphqlResult<unknown>['errors']): VerificationError {
  const all = (errors ?? []).map(
    ({ message, extensions }) => new VerificationError(extensions?.code ?? 'UNKNOWN', message),
  );
  return all.find(isLasting) ?? all[0] ?? new VerificationError('NONE');
}

function isLasting({ code }: VerificationError): boolean {
  return lasting.test(code);
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
  });
}
