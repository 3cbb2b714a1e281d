import {
  classifyCode,
  ProviderErrorResponse,
  ProviderFault,
  type ActionDefinition,
  type ActionEffect,
  type AnyProvider,
  type Billing,
  type UpstreamCall,
  type UpstreamRequest,
} from '../../contract/index.ts';
import { MissedTurn, type Turn, type UpstreamConnection } from '../../ports/index.ts';
import type { CallDeps, Clock, Telemetry } from '../core-deps.ts';
import { logBug } from '../log-bug.ts';
import type { CallJournal } from './call-journal.ts';
import { toRequestId, type RecordedCall } from '../records/recorded-call.ts';
import { faultPolicies } from './fault-policy.ts';
import { toldAccount } from './registry.ts';
import { noteAccountTrouble } from './note-account-trouble.ts';
import { keptForAnswerMs, providerTimeoutMs, type CallTerms } from './call-terms.ts';

/** A call with everything that decides when and how it is sent. */
export interface TurnedCall<T> {
  readonly definition: AnyProvider;
  /** The name of the account. */
  readonly account: string;
  readonly action: ActionDefinition;
  readonly call: UpstreamCall<T>;
  /** The key of the action for breaker and retry budget. */
  readonly key: string;
  readonly quota: { readonly key: string; readonly perSecond: number };
  readonly terms: CallTerms;
  readonly journal: CallJournal;
}

export interface Attempt {
  /** Whether the provider was contacted, even if only to connect. */
  wasMade: boolean;
  /** Whether no retry follows, so that a refusal by the provider must be reported. */
  readonly isLast: boolean;
}

/** Prepared before a slot is reserved, because it takes longer than a slot lasts. */
interface Ready {
  /** Whether the call has ended. A connection that comes later is released at once. */
  isOver: boolean;
  request: UpstreamRequest | null;
  connection: UpstreamConnection | null;
}

/**
 * Waits for a slot within the provider's rate limit and sends the call. If a slot was missed, nothing was sent,
 * and it reserves another one. Throws `ProviderFault`, `LimiterRefusal` or what `beforeSend` threw.
 */
export async function sendInTurn<T>(
  deps: CallDeps,
  turned: TurnedCall<T>,
  attempt: Attempt,
): Promise<T> {
  const { action, key, quota, terms, journal } = turned;
  const { priority, tenant } = terms;
  const turnByMs = latestTurnMs(turned);
  for (;;) {
    if (deps.breaker.isOpen(key)) throw new ProviderFault('not_sent');
    const ready: Ready = { isOver: false, request: null, connection: null };
    let turn: Turn | null = null;
    try {
      turn = await waitForTurn(deps, turned, () =>
        deps.limiter.turn(
          { ...quota, priority, tenant, withinMs: turnByMs - deps.now() },
          {
            connect: () => getReady(deps, turned, ready, attempt),
            prepare: async () => {
              await Promise.all(terms.beforeSend.map((step) => step(action.effect)));
              journal.sending(action.effect);
            },
          },
        ),
      );
      const { isInTime } = turn;
      return await deps.breaker.run(key, () => {
        attempt.wasMade = true;
        const timing = { isInTime, isLast: attempt.isLast };
        const about = { provider: turned.definition.id, action: turned.call.action };
        return deps.tracer.span('provider call', { ...about, record: terms.recordId }, () =>
          sendNow(deps, turned, ready, timing),
        );
      });
    } catch (error) {
      if (!(error instanceof MissedTurn)) throw error;
      turn?.giveBack();
    } finally {
      ready.isOver = true;
      ready.connection?.release();
    }
  }
}

async function waitForTurn(
  { scopes, metrics, tracer }: Telemetry,
  { definition, call }: TurnedCall<unknown>,
  wait: () => Promise<Turn>,
): Promise<Turn> {
  const waiting = scopes.current()?.waits.queue;
  waiting?.begin();
  metrics.queued(definition.id, call.action, 1);
  try {
    const about = { provider: definition.id, action: call.action };
    return await tracer.span('turn', about, wait);
  } finally {
    waiting?.end();
    metrics.queued(definition.id, call.action, -1);
  }
}

/** A start needs time for its response. A read that follows it, such as of the launch, needs little. */
function latestTurnMs({ action, terms, journal }: TurnedCall<unknown>): number {
  const keptMs = terms.keptForAnswerMs ?? keptForAnswerMs[terms.priority];
  if (!journal.hasStarted()) {
    return Math.min(terms.deadlineMs - keptMs, terms.turnByMs ?? Infinity);
  }
  const isRead = action.effect === 'read';
  return terms.deadlineMs - (isRead ? Math.min(keptMs, keptForAnswerMs.result) : keptMs);
}

async function getReady<T>(
  deps: CallDeps,
  turned: TurnedCall<T>,
  ready: Ready,
  attempt: Attempt,
): Promise<void> {
  ready.request = buildRequest(deps, turned);
  try {
    const connection = await connect(deps, turned, ready.request);
    if (ready.isOver) connection.release();
    else ready.connection = connection;
  } catch (error) {
    attempt.wasMade = true;
    throw error;
  }
}

/**
 * Built and encoded before a slot is reserved: signing an image of 8 MB takes longer than a slot lasts. If the
 * plugin fails to build the request, nothing was sent.
 */
function buildRequest<T>(deps: CallDeps, { definition, call }: TurnedCall<T>): UpstreamRequest {
  try {
    const request = call.build(deps.now(), deps.nonceMs());
    const { body } = request;
    return typeof body === 'string' ? { ...request, body: Buffer.from(body) } : request;
  } catch (error) {
    logBug(deps.log, `${definition.id} ${call.action} build`, error);
    throw new ProviderFault('not_sent');
  }
}

/** A failed connect is logged, and the breaker counts it, like a failed call. Throws `ProviderFault`. */
async function connect<T>(
  deps: CallDeps,
  turned: TurnedCall<T>,
  { url }: UpstreamRequest,
): Promise<UpstreamConnection> {
  const { definition, key, terms } = turned;
  const startedMs = deps.now();
  try {
    return await deps.connectUpstream(url, terms.deadlineMs - startedMs);
  } catch (error) {
    const fault = toFault(error, definition);
    report(deps, turned, startedMs, { fault });
    return deps.breaker.run(key, () => Promise.reject(fault));
  }
}

async function sendNow<T>(
  deps: CallDeps,
  turned: TurnedCall<T>,
  ready: Ready,
  { isInTime, isLast }: { readonly isInTime: () => boolean; readonly isLast: boolean },
): Promise<T> {
  const { definition, account, action, call, terms, journal } = turned;
  const startedMs = deps.now();
  const about = { provider: definition.id, account, action: call.action, key: turned.key };
  const waiting = deps.scopes.current()?.waits.upstream;
  let requestId: string | undefined;
  let httpStatus: number | undefined;
  waiting?.begin();
  try {
    const response = await deps.sendUpstream(ready.request ?? buildRequest(deps, turned), {
      timeoutMs: Math.min(terms.answerWithinMs ?? providerTimeoutMs, terms.deadlineMs - startedMs),
      maxBytes: action.maxResponseBytes,
      dropStringsOver: action.dropStringsOver,
      connection: ready.connection ?? undefined,
      isInTime,
    });
    httpStatus = response.status;
    const read = call.read(response, { requestId: (id) => (requestId = id) });
    journal.answered(action.effect);
    report(deps, turned, startedMs, { requestId, httpStatus });
    noteAccountTrouble(deps, about, null);
    return read;
  } catch (error) {
    if (error instanceof MissedTurn) throw error;
    const fault = toFault(error, definition);
    journal.failed(action.effect, fault);
    report(deps, turned, startedMs, { fault, requestId, httpStatus });
    // A refused nonce can be an accident. It is reported only if the retry with a fresh nonce is refused too.
    const isSentAgain = !isLast && action.retryableCodes?.includes(fault.providerCode ?? '');
    if (!isSentAgain) noteAccountTrouble(deps, about, fault);
    throw fault;
  } finally {
    waiting?.end();
  }
}

/** Core classifies errors: by the plugin's table of codes, and as `protocol` if a response is unreadable. */
function toFault(error: unknown, definition: AnyProvider): ProviderFault {
  if (error instanceof ProviderFault) return error;
  if (error instanceof ProviderErrorResponse) {
    return new ProviderFault(classifyCode(definition.faults, error.code) ?? 'internal', {
      providerCode: error.code,
      providerRequestId: error.requestId,
      retryAfterMs: error.retryAfterMs,
      explanation: error.explanation,
    });
  }
  return new ProviderFault('protocol');
}

interface Ended {
  readonly fault?: ProviderFault;
  /** As the plugin noted it. */
  readonly requestId?: string | undefined;
  readonly httpStatus?: number | undefined;
}

function report(
  { metrics, log, now }: Telemetry & Clock,
  {
    definition: { id: provider },
    account,
    call: { action },
    action: { effect },
    terms,
  }: TurnedCall<unknown>,
  startedMs: number,
  { fault, requestId: noted, httpStatus }: Ended,
): void {
  const outcome = fault?.kind ?? 'ok';
  const durationMs = now() - startedMs;
  const requestId = toRequestId(fault?.providerRequestId ?? noted);
  const billing = billingOf(effect, outcome);
  terms.onCall?.({ action, atMs: startedMs, requestId, outcome, billing });
  metrics.upstreamCall({ provider, account, action, outcome, durationMs });
  log.event('info', 'upstream_call', {
    provider,
    account: toldAccount(account),
    action,
    outcome,
    durationMs,
    httpStatus,
    providerCode: fault?.providerCode,
    providerRequestId: requestId ?? undefined,
    record: terms.recordId,
  });
}

/** What the call alone proves. The result of a chargeable call may say more. */
function billingOf(effect: ActionEffect, outcome: RecordedCall['outcome']): Billing {
  if (effect !== 'may_charge') return 'NOT_CHARGED';
  const isReleased = outcome !== 'ok' && faultPolicies.may_charge[outcome].claim === 'release';
  return isReleased ? 'NOT_CHARGED' : 'UNKNOWN';
}
