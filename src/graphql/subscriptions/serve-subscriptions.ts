import { HeaderMap, type GraphQLResponse } from '@apollo/server';
import {
  createSourceEventStream,
  execute,
  GraphQLError,
  Kind,
  OperationTypeNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
} from 'graphql';
import { operationTimeoutMs } from '../../core/claims/run-claimed.ts';
import { createRefusalTeller } from '../../core/create-refusal-teller.ts';
import type { Log, Metrics, SendCallback, SubscriptionRefusal } from '../../ports/index.ts';
import type { GraphqlContext } from '../context.ts';
import { createLoaders } from '../loaders.ts';
import { maskError } from '../mask-error.ts';
import { logBugs } from '../plugins/log-bugs.ts';
import type { AnswerableOperation } from '../plugins/operation-events.ts';
import type { CallbackRule } from '../../core/allowed-callback.ts';
import { openSubscription, type OpenSubscription, type Payload } from './open-subscription.ts';
import { readCallback, type Callback } from './read-callback.ts';

interface Deps {
  readonly send: SendCallback;
  readonly now: () => number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'subscriptionRefused' | 'subscriptionEnded' | 'subscriptionOpen'>;
}

export interface Subscriptions {
  /** Throws a `GraphQLError` for a subscription that cannot be served. */
  readonly check: (operation: AnswerableOperation) => void;
  /** Begins a subscription and answers the request for it; null for other operations. Throws nothing but bugs. */
  readonly respond: (operation: AnswerableOperation) => Promise<GraphQLResponse | null>;
  /** Tells all routers that their subscriptions are over. */
  readonly completeAll: () => Promise<void>;
}

/** A callback URL, and who has asked for it. */
interface Place {
  readonly caller: GraphqlContext['caller'];
  /** Null while its URL is checked. */
  subscription: OpenSubscription | null;
  /** Whose place it takes, if its URL accepts it. */
  readonly replaced: OpenSubscription | null;
  isOver: boolean;
}

/** Each takes about 50 KB. */
const mostOpen = 2000;
const mostPerUser = 100;
const mostLastsMs = 15 * 60_000;

/**
 * Subscriptions over the HTTP callback protocol (callback/1.0). `check` and `respond` run after a document was parsed and
 * validated and every check has accepted the operation, so whatever is refused reaches no callback URL.
 */
export function createSubscriptions(deps: Deps, rules: readonly CallbackRule[]): Subscriptions {
  const { send, now, log, metrics } = deps;
  /** By callback URL, from the moment when one is asked for. */
  const places = new Map<string, Place>();
  /** Until their last message is settled. */
  const unsettled = new Set<OpenSubscription>();
  const perUser = new Map<string, number>();
  const tellRefusal = createRefusalTeller((name, count) =>
    log.event('warn', 'subscriptions_refused', { reason: name as SubscriptionRefusal, count }),
  );
  let reserved = 0;
  let isDraining = false;

  const refuse = (reason: SubscriptionRefusal): GraphQLError => {
    metrics.subscriptionRefused(reason);
    tellRefusal(reason);
    return refusals[reason]();
  };

  /** Counts one more of the user. Returns what takes that back. */
  const reserve = ({ tenantId, userId }: GraphqlContext['caller']): (() => void) => {
    const user = JSON.stringify([tenantId, userId]);
    const count = perUser.get(user) ?? 0;
    if (isDraining || reserved >= mostOpen) throw refuse('busy');
    if (count >= mostPerUser) throw refuse('user');
    reserved += 1;
    perUser.set(user, count + 1);
    metrics.subscriptionOpen(1);
    return () => {
      reserved -= 1;
      const left = (perUser.get(user) ?? 1) - 1;
      if (left === 0) perUser.delete(user);
      else perUser.set(user, left);
      metrics.subscriptionOpen(-1);
    };
  };

  const begin = async (operation: AnswerableOperation, callback: Callback): Promise<void> => {
    const { caller } = operation.contextValue;
    const giveBack = reserve(caller);
    const before = places.get(callback.url);
    const replaced = before?.subscription ?? before?.replaced ?? null;
    const place: Place = { caller, subscription: null, replaced, isOver: false };
    try {
      // The value of one person must not reach the subscription of another one.
      if (before && !isSameCaller(before.caller, caller)) throw refuse('callback');
      places.set(callback.url, place);
      const payloads = await toPayloads(operation, log);
      const { url, subscriptionId: id, verifier } = callback;
      const check = { kind: 'subscription', action: 'check', id, verifier };
      const status = await send(url, check).catch(() => null);
      const isReplaced = places.get(url) !== place;
      if (status !== 204 || isDraining || isReplaced) {
        await payloads.return?.();
        throw refuse(isDraining ? 'busy' : 'check');
      }
      replaced?.replace();
      const untilMs = Math.min(now() + mostLastsMs, caller.expiresAtMs ?? Infinity);
      const begun = openSubscription({
        ...{ send, callback, payloads },
        lastsMs: Math.max(0, untilMs - now()),
        expired: format(new GraphQLError('over', { extensions: { code: 'SUBSCRIPTION_EXPIRED' } })),
        onEnd: (how) => {
          place.isOver = true;
          if (places.get(url) === place) places.delete(url);
          metrics.subscriptionEnded(how);
          giveBack();
        },
      });
      place.subscription = begun;
      unsettled.add(begun);
      void begun.settled.then(() => unsettled.delete(begun));
    } catch (error) {
      place.isOver = true;
      if (places.get(callback.url) === place) restore(callback.url, before);
      giveBack();
      throw error;
    }
  };

  /** What was open before stays open. */
  const restore = (url: string, before: Place | undefined): void => {
    if (before && !before.isOver) places.set(url, before);
    else places.delete(url);
  };

  return {
    check: (operation) => {
      if (!isSubscription(operation)) return;
      if (!isPlain(operation)) throw refusal('BAD_REQUEST', 400);
      if (!readCallback(rules, operation.request.extensions)) throw refuse('callback');
    },
    respond: async (operation) => {
      const callback = isSubscription(operation)
        ? readCallback(rules, operation.request.extensions)
        : null;
      if (!callback) return null;
      try {
        await begin(operation, callback);
        return toResponse(200, { data: null });
      } catch (error) {
        const errors = error instanceof RefusedBySource ? error.errors : [toGraphqlError(error)];
        logBugs(log, errors);
        return toResponse(statusOf(errors[0]), { data: null, errors: errors.map(format) });
      }
    },
    completeAll: async () => {
      isDraining = true;
      await Promise.all([...unsettled].map((each) => each.complete()));
    },
  };
}

const refusals = {
  callback: () => refusal('SUBSCRIPTION_REFUSED', 400),
  check: () => refusal('SUBSCRIPTION_REFUSED', 400),
  user: () => refusal('TOO_MANY_SUBSCRIPTIONS', 429),
  busy: () => refusal('SERVICE_UNAVAILABLE', 503),
} as const satisfies Record<SubscriptionRefusal, () => GraphQLError>;

function refusal(code: string, status: number): GraphQLError {
  return new GraphQLError('refused', { extensions: { code, http: { status } } });
}

/** The resolver of the subscription refused the caller, or could not begin. */
class RefusedBySource extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super('refused');
    this.errors = errors;
  }
}

/** graphql-js 16 throws for a subscription whose field is skipped. Gateways send one plain field. */
function isPlain({ operation }: AnswerableOperation): boolean {
  const [field, ...others] = operation?.selectionSet.selections ?? [];
  return field?.kind === Kind.FIELD && !field.directives?.length && others.length === 0;
}

function isSameCaller(one: GraphqlContext['caller'], other: GraphqlContext['caller']): boolean {
  return one.tenantId === other.tenantId && one.userId === other.userId;
}

function isSubscription({ operation }: AnswerableOperation): boolean {
  return operation?.operation === OperationTypeNode.SUBSCRIPTION;
}

/** The results of the operation, one for each value of its source. Throws `RefusedBySource`. */
async function toPayloads(
  { schema, document, request, contextValue }: AnswerableOperation,
  log: Log,
): Promise<AsyncIterator<Payload>> {
  const args: ExecutionArgs = {
    ...{ schema, document, contextValue },
    variableValues: request.variables,
    operationName: request.operationName,
  };
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) throw new RefusedBySource(source.errors ?? []);
  const values = source[Symbol.asyncIterator]();
  const nextResult = async (): Promise<ExecutionResult | null> => {
    const { done, value } = await values.next();
    if (done === true) return null;
    // Loaders remember what they read, so each value gets new ones.
    const { core, caller } = contextValue;
    const deadlineMs = core.now() + operationTimeoutMs;
    const loaders = createLoaders(core, caller, deadlineMs);
    const fresh = { ...contextValue, deadlineMs, loaders };
    return execute({ ...args, contextValue: fresh, rootValue: value });
  };
  return {
    next: async () => {
      const result = await nextResult().catch((error: unknown) => ({
        data: null,
        errors: [toGraphqlError(error)],
      }));
      if (result === null) return { done: true, value: undefined };
      const { data, errors } = result;
      logBugs(log, errors ?? []);
      return { done: false, value: { data, ...(errors ? { errors: errors.map(format) } : {}) } };
    },
    return: async () => {
      await values.return?.();
      return { done: true, value: undefined };
    },
  };
}

/** With a path, which says that `originalError` was thrown by a resolver. */
function toGraphqlError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new TypeError();
  return new GraphQLError('a bug', { originalError, path: ['verificationEnded'] });
}

function format(error: GraphQLError) {
  return maskError(error.toJSON(), error);
}

function statusOf(error: GraphQLError | undefined): number {
  const { status } = Object(error?.extensions['http']) as { readonly status?: number };
  return status ?? 200;
}

function toResponse(status: number, singleResult: FormattedExecutionResult): GraphQLResponse {
  return { http: { status, headers: new HeaderMap() }, body: { kind: 'single', singleResult } };
}
