import type {
  ChannelDefinition,
  Notification,
  NotificationDefinition,
  OutcomeAnswer,
} from '../../contract/index.ts';
import { StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
import { openCapability } from '../records/capability.ts';
import { checkAnswer } from './check-launch.ts';
import {
  modeOf,
  type Clock,
  type KeySpace,
  type OutcomeDeps,
  type Providers,
  type Telemetry,
} from '../core-deps.ts';
import { keyedHashes } from '../records/keyed-hash.ts';
import { logBug } from '../log-bug.ts';
import { earlyNotifications } from './early-notifications.ts';
import { decodeRecord, isRecordId, kindOf, type VerificationRecord } from '../records/records.ts';
import { refreshVerification } from './refresh-verification.ts';
import {
  defaultAccount,
  isEnabled,
  outcomeSourceOf,
  type RegisteredProvider,
} from '../upstream/registry.ts';
import { proveNotification } from './prove-notification.ts';
import { awaitsOutcome, learnOutcome } from './learn-outcome.ts';
import type { WriteDeps } from './write-verification.ts';

export type NotificationReceipt =
  | { readonly kind: 'received'; readonly reply: NotificationDefinition<unknown>['reply'] }
  /** No verification or channel expects it. */
  | { readonly kind: 'unknown' }
  /** Its signature does not prove that the provider sent it. */
  | { readonly kind: 'refused' }
  /** It could not be stored. The provider should send it again. */
  | { readonly kind: 'try_later' };

/** How long a poll may take that a notification triggered. */
const pollWithinMs = 5000;

/** Takes the place of the capability in the URL that is set in a provider's console for all verifications. */
const accountUrl = 'account';
/** How long the id of a read delivery is kept. Providers stop repeating a delivery before that. */
const rememberDeliverySeconds = 24 * 3600;

/**
 * Handles a notification of a provider. It normally only triggers a poll. If the channel cannot be polled, the
 * notification itself is the outcome, marked NOTIFIED. A terminal status never changes.
 */
export async function receiveNotification(
  deps: OutcomeDeps,
  providerId: string,
  capability: string,
  notification: Notification,
): Promise<NotificationReceipt> {
  if (capability === accountUrl) return receiveForAccount(deps, providerId, notification);
  const opened = openCapability(deps.hashKeys, 'callback', capability, deps.now());
  return opened
    ? receiveById(deps, providerId, opened.recordId, notification)
    : { kind: 'unknown' };
}

/** Whether a notification may come to this URL, judged by the URL alone. */
export function expectsNotification(
  deps: Clock & KeySpace & Providers,
  providerId: string,
  capability: string,
): boolean {
  return capability === accountUrl
    ? expectingAccount(deps, providerId) !== null
    : openCapability(deps.hashKeys, 'callback', capability, deps.now()) !== null;
}

/** The accounts of a provider, and the notifications that may come to its account URL; null if none may. */
function expectingAccount(
  { registry }: Pick<Providers, 'registry'>,
  providerId: string,
): {
  readonly accounts: readonly RegisteredProvider[];
  readonly expecting: readonly NotificationDefinition<unknown>[];
} | null {
  const accounts = registry
    .accounts()
    .filter((each) => each.definition.id === providerId && isEnabled(each));
  const all = Object.values(accounts[0]?.definition.channels ?? {}).flatMap(
    (channel) => channel.notification ?? [],
  );
  const expecting = all.filter(({ referenceOf }) => referenceOf !== undefined);
  return expecting.length > 0 ? { accounts, expecting } : null;
}

/**
 * The signature proves the sender, and which account it has. The reference in the notification names the verification,
 * which must be of that account.
 */
async function receiveForAccount(
  deps: OutcomeDeps,
  providerId: string,
  notification: Notification,
): Promise<NotificationReceipt> {
  const expected = expectingAccount(deps, providerId);
  if (!expected) return { kind: 'unknown' };
  const tried = await Promise.all(
    expected.accounts.flatMap((provider) =>
      expected.expecting.map(async (definition) => ({
        ...{ provider, definition },
        proof: await proveNotification(deps, provider, definition, notification),
      })),
    ),
  );
  const genuine = tried.filter(({ proof }) => proof.kind === 'genuine');
  const [first] = genuine;
  if (!first) {
    return {
      kind: tried.some(({ proof }) => proof.kind === 'undecided') ? 'try_later' : 'refused',
    };
  }
  for (const { provider, definition } of genuine) {
    const { referenceOf } = definition;
    const reference = orUnreadable(deps, provider, () => referenceOf?.(notification) ?? null);
    if (reference === null) continue;
    const { accountName } = provider;
    const receipt = await receiveById(deps, providerId, reference, notification, accountName);
    if (receipt.kind !== 'unknown') return receipt;
  }
  // Another system may use the same account. Its notifications are acknowledged, so that the provider does not
  // repeat them.
  return { kind: 'received', reply: first.definition.reply };
}

async function receiveById(
  deps: OutcomeDeps,
  providerId: string,
  recordId: string,
  notification: Notification,
  /** The account that the sender has proven, at the URL of an account. */
  provenAccount: string | null = null,
): Promise<NotificationReceipt> {
  if (!isRecordId('verification', recordId)) return { kind: 'unknown' };
  deps.scopes.concerns(recordId);
  try {
    const [stored] = await deps.store.records.get([recordId]);
    const isOne = stored && kindOf(stored) === 'verification';
    const isTheirs =
      isOne &&
      (provenAccount === null || decodeRecord('verification', stored).account === provenAccount);
    return isTheirs ? await receive(deps, providerId, stored, notification) : { kind: 'unknown' };
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    deps.log.event('error', 'store_unavailable', { during: 'notification' });
    return { kind: 'try_later' };
  }
}

/**
 * Reads the notifications that came before the response to the start. Never throws: the next follow-up tries
 * again.
 */
export async function receiveEarlyNotification(deps: OutcomeDeps, id: string): Promise<void> {
  try {
    const early = earlyNotifications(deps, id);
    const found = await early.find();
    for (const { providerId, notification } of found) {
      const [stored] = await deps.store.records.get([id]);
      if (!stored || kindOf(stored) !== 'verification') return;
      await receiveProven(deps, providerId, stored, notification);
    }
    if (found.length > 0) await early.forget();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) logBug(deps.log, 'early notification', error);
  }
}

/** Verifies the signature before it reads the notification, and skips a delivery that was read before. */
async function receive(
  deps: OutcomeDeps,
  providerId: string,
  stored: StoredRecord,
  notification: Notification,
): Promise<NotificationReceipt> {
  const record = decodeRecord('verification', stored);
  const provider = deps.registry.find(providerId, record.account);
  const definition = provider?.definition.channels[record.channel]?.notification;
  if (!provider || !definition) return { kind: 'unknown' };
  if (!definition.verify || !isEnabled(provider)) {
    return (await receiveProven(deps, providerId, stored, notification)).receipt;
  }
  const proof = await proveNotification(deps, provider, definition, notification);
  if (proof.kind === 'refused') return proof;
  if (proof.kind === 'undecided') return { kind: 'try_later' };
  const parts = [modeOf(deps), providerId, provider.account, record.id, proof.deliveryId];
  const keys = keyedHashes(deps.hashKeys, 'delivery', parts);
  for (const key of keys) {
    if ((await deps.store.cache.get(key)) !== null) {
      return { kind: 'received', reply: definition.reply };
    }
  }
  const { receipt, isTaken } = await receiveProven(deps, providerId, stored, notification);
  for (const key of isTaken ? keys : []) {
    await deps.store.cache.set(key, '1', rememberDeliverySeconds);
  }
  return receipt;
}

/** Null if the plugin throws. This is no bug of the plugin, because the content may come from anyone. */
function orUnreadable<T>(
  { log }: Pick<Telemetry, 'log'>,
  { definition: { id } }: RegisteredProvider,
  work: () => T | null,
): T | null {
  try {
    return work();
  } catch {
    log.event('warn', 'notification_unreadable', { provider: id });
    return null;
  }
}

interface Taken {
  readonly receipt: NotificationReceipt;
  /** Whether it was read or stored, so that a repeated delivery can be skipped. */
  readonly isTaken: boolean;
}

async function receiveProven(
  deps: OutcomeDeps,
  providerId: string,
  stored: StoredRecord,
  notification: Notification,
): Promise<Taken> {
  const record = decodeRecord('verification', stored);
  const provider = deps.registry.find(providerId, record.account);
  const channel = provider?.definition.channels[record.channel];
  const unknown = { receipt: { kind: 'unknown' }, isTaken: false } as const;
  if (!provider || !channel?.notification) return unknown;
  const { reply, read } = channel.notification;
  const received = (isTaken: boolean): Taken => ({ receipt: { kind: 'received', reply }, isTaken });
  if (record.redactedAtMs !== null) return received(true);
  if (record.startedAtMs === null) {
    return received(await keepForLater(deps, provider, channel, record, notification));
  }
  if (record.providerId !== providerId) return unknown;
  const { session } = record;
  if (!awaitsOutcome(record) || session === null) return received(true);
  if (!isEnabled(provider)) {
    // An account of ACCOUNTS_FILE may come back, and the provider may not tell twice.
    const mayComeBack = record.account !== defaultAccount;
    return mayComeBack ? { receipt: { kind: 'try_later' }, isTaken: false } : received(true);
  }

  const source = outcomeSourceOf(provider, channel);
  if (source === 'NOTIFICATION') {
    const context = { settings: provider.settings, nowMs: deps.now() };
    const told = orUnreadable(deps, provider, () => ({
      answer: read(notification, session, context),
    }));
    const answer = told?.answer
      ? orUnreadable(deps, provider, () => checkAnswer(told.answer as OutcomeAnswer, deps))
      : null;
    if (answer) await applyNotifiedOutcome(deps, stored, answer, channel);
    return received(told !== null);
  }
  if (source === 'QUERY' && saysSomething(notification)) {
    // Polls whatever the body says: no vendor documents its notifications well enough to filter them.
    pollInBackground(deps, stored);
  }
  return received(true);
}

/** Stores a notification that came before the response to the start, because there is no session to read it. */
async function keepForLater(
  deps: OutcomeDeps,
  provider: RegisteredProvider,
  channel: ChannelDefinition<unknown>,
  { id }: VerificationRecord,
  notification: Notification,
): Promise<boolean> {
  // If the provider can be polled, a notification before the start is of no use. Neither is the GET of a page
  // that was opened.
  if (!saysSomething(notification)) return true;
  if (!isEnabled(provider) || outcomeSourceOf(provider, channel) !== 'NOTIFICATION') return true;
  const { id: providerId } = provider.definition;
  const isKept = await earlyNotifications(deps, id).keep({ providerId, notification });
  // The response to the start may have come meanwhile, and the start may have looked before this was stored.
  const [stored] = await deps.store.records.get([id]);
  const current = stored ? decodeRecord('verification', stored) : null;
  // If the start failed or the user was redacted, nothing would ever read this notification.
  if (!current || current.redactedAtMs !== null) await earlyNotifications(deps, id).forget();
  else if (current.startedAtMs !== null) await receiveEarlyNotification(deps, id);
  return isKept;
}

async function applyNotifiedOutcome(
  deps: WriteDeps,
  stored: StoredRecord,
  answer: OutcomeAnswer,
  { graceSeconds }: ChannelDefinition<unknown>,
): Promise<void> {
  const nowMs = deps.now();
  const terms = { nowMs, askedMs: nowMs, graceSeconds, evidence: 'NOTIFIED' } as const;
  await learnOutcome(deps, stored, {
    answer,
    terms,
    askedAtMs: null,
    calls: [],
    hasReturned: true,
  });
}

/** A GET without a query comes from opening the page. Some providers notify by a GET with a query. */
function saysSomething({ method, query }: Notification): boolean {
  return method === 'POST' || query !== '';
}

/** The provider gets its reply at once, without waiting for the poll. */
function pollInBackground(deps: OutcomeDeps, stored: StoredRecord): void {
  refreshVerification(deps, stored, deps.now() + pollWithinMs, 'came_back').catch(
    (error: unknown) => {
      if (!(error instanceof StoreUnavailable)) logBug(deps.log, 'notification', error);
    },
  );
}
