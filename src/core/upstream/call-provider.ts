import {
  classifyCode,
  ProviderErrorResponse,
  ProviderFault,
  type ActionDefinition,
  type ActionEffect,
  type AnyProvider,
  type ProviderCall,
  type UpstreamCall,
  type UpstreamRequest,
} from '../../contract/index.ts';
import { MissedTurn, type LimiterPriority, type UpstreamConnection } from '../../ports/index.ts';
import type { Clock, Telemetry, Upstream } from '../core-deps.ts';
import { faultPolicies } from './fault-policy.ts';
import { logBug } from '../log-bug.ts';
import { actionKey, quotaOf, type RegisteredProvider } from './registry.ts';

export type CallProviderDeps = Upstream & Clock & Telemetry;

export interface CallTerms {
  readonly priority: LimiterPriority;
  /** When the whole operation has to be over. */
  readonly deadlineMs: number;
  /** When to stop waiting for a turn, where that is earlier than the deadline demands. */
  readonly turnByMs?: number | undefined;
  /** How long the answer is waited for, where that is less than usual. */
  readonly answerWithinMs?: number | undefined;
  /** What waiting for a turn leaves for the answer, where that is less than usual. */
  readonly keptForAnswerMs?: number | undefined;
  /** Runs first of all for each call; throws to prevent it. */
  readonly onCall?: (effect: ActionEffect) => void;
  /** Runs when a call that was not prevented is over, however it ended. */
  readonly onEnd?: (effect: ActionEffect) => void;
  /**
   * Runs once the moment of sending is known and before a byte is sent; throws to prevent it. Runs
   * again when that moment was missed, and before the same call is sent once more.
   */
  readonly beforeSend?: (effect: ActionEffect) => Promise<void>;
  /** Hears how a call that was made failed. */
  readonly onFault?: (fault: ProviderFault, effect: ActionEffect) => void;
  /** Hears that a call was answered, and the answer understood. */
  readonly onAnswer?: (effect: ActionEffect) => void;
}

/** No upstream call lasts longer; below every deadline in front of this service. */
export const providerTimeoutMs = 6000;

/** After a refusal for too many calls, where the provider does not say how long. */
const backOffMs = 1000;

/** How much of the time left is kept for the answer, so that waiting for a turn cannot use it up. */
const keptForAnswerMs = {
  start: providerTimeoutMs,
  result: 1000,
  reconcile: 1000,
} as const satisfies Record<LimiterPriority, number>;

/**
 * The way to a provider that a plugin is lent: limiter, breaker, deadline, byte cap, one log line
 * and one metric per call. Throws `ProviderFault`, `LimiterRefusal` or what `beforeSend` threw.
 */
export function callProvider<Settings>(
  deps: CallProviderDeps,
  provider: RegisteredProvider,
  terms: CallTerms,
): ProviderCall<Settings> {
  const { definition } = provider;
  /** Whether a call was answered that may have been charged. */
  let isPaid = false;

  return {
    // The registry pairs a definition with settings that its own schema made.
    settings: provider.settings as Settings,
    now: deps.now,
    accessToken: (name, fetch) => deps.accessTokens.get(provider, name, fetch),
    send: async (call) => {
      const action = Object.hasOwn(definition.actions, call.action)
        ? definition.actions[call.action]
        : undefined;
      if (!action) throw new Error(`${definition.id} has no action ${call.action}`);
      const key = actionKey(definition.id, call.action);

      const quota = quotaOf(provider, call.action);
      terms.onCall?.(action.effect);
      const keptMs = terms.keptForAnswerMs ?? keptForAnswerMs[terms.priority];
      const turnByMs = Math.min(terms.deadlineMs - keptMs, terms.turnByMs ?? Infinity);
      let wasMade = false;
      const sendInTurn = async (isLast: boolean) => {
        for (;;) {
          if (deps.breaker.isOpen(key)) throw new ProviderFault('not_sent');
          const ask = { ...quota, priority: terms.priority, withinMs: turnByMs - deps.now() };
          const ready: Ready = { request: null, connection: null };
          try {
            const isInTime = await deps.limiter.turn(ask, {
              connect: async () => {
                ready.request = buildRequest(deps, definition, call);
                const connecting = connect(deps, definition, call.action, ready.request, terms);
                connecting.catch(() => {
                  wasMade = true;
                });
                ready.connection = await connecting;
              },
              prepare: async () => terms.beforeSend?.(action.effect),
            });
            return await deps.breaker.run(key, () => {
              wasMade = true;
              const request = ready.request ?? buildRequest(deps, definition, call);
              return sendNow(deps, definition, action, call, request, {
                ...{ ...terms, isLast, isInTime },
                connection: ready.connection ?? undefined,
              });
            });
          } catch (error) {
            // Not a byte was sent: the next moment is as good.
            if (!(error instanceof MissedTurn)) throw error;
          } finally {
            ready.connection?.release();
          }
        }
      };

      try {
        deps.retryBudget.earn(key);
        const answer = await sendInTurn(action.retryableCodes === undefined);
        isPaid ||= action.effect === 'may_charge';
        return answer;
      } catch (error) {
        // What follows a payment only reads: it is worth another try, and never calls it undone.
        if (isPaid && action.effect === 'read') {
          return await readAfterPayment(() => sendInTurn(true), deps.now, terms);
        }
        if (!(error instanceof ProviderFault)) throw error;
        // It is the account that is over its limit: the other replicas shall not try it too.
        if (error.kind === 'throttled') {
          void deps.limiter.backOff(quota.key, error.retryAfterMs ?? backOffMs);
        }
        // Perhaps only the token is: the next operation fetches another.
        if (error.kind === 'credentials') await deps.accessTokens.forget(provider);
        const isFreshTryWorthIt =
          error.providerCode !== undefined &&
          action.retryableCodes?.includes(error.providerCode) === true &&
          faultPolicies.may_charge[error.kind].claim === 'release';
        // Refused before a byte left, as while a connection is being replaced: once more is safe.
        const isRetry = wasMade && error.kind === 'not_sent' && deps.retryBudget.spend(key);
        if (!isFreshTryWorthIt && !isRetry) throw error;
        await call.renew?.().catch(() => {
          throw error;
        });
        const answer = await sendInTurn(true);
        isPaid ||= action.effect === 'may_charge';
        return answer;
      } finally {
        terms.onEnd?.(action.effect);
      }
    },
  };
}

const mostReadsAfterPayment = 2;

async function readAfterPayment<T>(
  read: () => Promise<T>,
  now: () => number,
  { deadlineMs }: CallTerms,
): Promise<T> {
  for (let time = 0; time < mostReadsAfterPayment && now() < deadlineMs; time++) {
    try {
      return await read();
    } catch {
      // The next one may go through.
    }
  }
  throw new ProviderFault('protocol');
}

/** What is there before a moment of sending is reserved: getting it ready takes time of its own. */
interface Ready {
  request: UpstreamRequest | null;
  connection: UpstreamConnection | null;
}

/** A failure counts and is told like that of a call. Throws `ProviderFault('not_sent')`. */
async function connect(
  deps: CallProviderDeps,
  definition: AnyProvider,
  action: string,
  { url }: UpstreamRequest,
  { deadlineMs }: CallTerms,
): Promise<UpstreamConnection> {
  const startedMs = deps.now();
  try {
    return await deps.connectUpstream(url, deadlineMs - startedMs);
  } catch (error) {
    const fault = toFault(error, definition);
    report(deps, definition.id, action, startedMs, fault);
    return deps.breaker.run(actionKey(definition.id, action), () => Promise.reject(fault));
  }
}

async function sendNow<T>(
  deps: CallProviderDeps,
  definition: AnyProvider,
  action: ActionDefinition,
  call: UpstreamCall<T>,
  request: UpstreamRequest,
  terms: CallTerms & {
    readonly isLast: boolean;
    readonly isInTime: () => boolean;
    readonly connection: UpstreamConnection | undefined;
  },
): Promise<T> {
  const startedMs = deps.now();
  try {
    const answer = await deps.sendUpstream(request, {
      timeoutMs: Math.min(terms.answerWithinMs ?? providerTimeoutMs, terms.deadlineMs - startedMs),
      maxBytes: action.maxResponseBytes,
      dropStringsOver: action.dropStringsOver,
      connection: terms.connection,
      isInTime: terms.isInTime,
    });
    const read = call.read(answer);
    terms.onAnswer?.(action.effect);
    report(deps, definition.id, call.action, startedMs, null);
    return read;
  } catch (error) {
    if (error instanceof MissedTurn) throw error;
    const fault = toFault(error, definition);
    terms.onFault?.(fault, action.effect);
    report(deps, definition.id, call.action, startedMs, fault);
    // A refused nonce is an accident until the fresh one is refused as well.
    const isSentAgain = !terms.isLast && action.retryableCodes?.includes(fault.providerCode ?? '');
    if (!isSentAgain) reportMisconfigured(deps, definition.id, call.action, fault);
    throw fault;
  }
}

/**
 * Built and encoded before its moment is reserved: signing an image of 8 MB takes longer than a moment lasts.
 * A plugin that cannot build its request has sent nothing.
 */
function buildRequest<T>(
  deps: CallProviderDeps,
  definition: AnyProvider,
  call: UpstreamCall<T>,
): UpstreamRequest {
  try {
    const request = call.build(deps.now(), deps.nonceMs());
    const { body } = request;
    return typeof body === 'string' ? { ...request, body: Buffer.from(body) } : request;
  } catch (error) {
    logBug(deps.log, `${definition.id} ${call.action} build`, error);
    throw new ProviderFault('not_sent');
  }
}

/** Core alone classifies: a plugin's table for its codes, and `protocol` for what it cannot read. */
function toFault(error: unknown, definition: AnyProvider): ProviderFault {
  if (error instanceof ProviderFault) return error;
  if (error instanceof ProviderErrorResponse) {
    return new ProviderFault(classifyCode(definition.faults, error.code) ?? 'internal', {
      providerCode: error.code,
      providerRequestId: error.requestId,
      retryAfterMs: error.retryAfterMs,
    });
  }
  return new ProviderFault('protocol');
}

function report(
  deps: CallProviderDeps,
  provider: string,
  action: string,
  startedMs: number,
  fault: ProviderFault | null,
): void {
  const outcome = fault?.kind ?? 'ok';
  const durationMs = deps.now() - startedMs;
  deps.metrics.upstreamCall({ provider, action, outcome, durationMs });
  deps.log.event('info', 'upstream_call', {
    provider,
    action,
    outcome,
    durationMs,
    providerCode: fault?.providerCode,
    providerRequestId: fault?.providerRequestId,
  });
}

/** Somebody has to do something about these. */
function reportMisconfigured(
  { log }: CallProviderDeps,
  provider: string,
  action: string,
  { kind, providerCode }: ProviderFault,
): void {
  if (kind !== 'credentials' && kind !== 'misconfigured') return;
  log.event('error', 'provider_misconfigured', { provider, action, providerCode });
}
