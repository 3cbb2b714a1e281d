import {
  StoreUnavailable,
  type ChannelDefinition,
  type Notification,
  type NotificationDefinition,
  type OutcomeAnswer,
  type StoredRecord,
} from '../contract/index.ts';
import { openCapability } from './capability.ts';
import { concludeVerification } from './conclude-verification.ts';
import type { CoreDeps } from './core-deps.ts';
import { logBug } from './log-bug.ts';
import { earlyNotifications } from './early-notifications.ts';
import { decodeRecord, isRecordId, kindOf, type VerificationRecord } from './records.ts';
import { refreshVerification } from './refresh-verification.ts';
import { isEnabled, outcomeSourceOf, type RegisteredProvider } from './registry.ts';
import { writeVerification } from './write-verification.ts';

export type NotificationReceipt =
  | { readonly kind: 'received'; readonly reply: NotificationDefinition['reply'] }
  /** Nothing here expects it. */
  | { readonly kind: 'unknown' }
  /** It could not be kept: a provider that repeats its notifications shall do so. */
  | { readonly kind: 'try_later' };

/** How long the provider is asked in the background after a hint. */
const askWithinMs = 5000;

/**
 * A provider's notification. It is a hint that makes us ask; only where the channel has no other
 * way is it the outcome itself, marked NOTIFIED. A terminal status never changes.
 */
export async function receiveNotification(
  deps: CoreDeps,
  providerId: string,
  capability: string,
  notification: Notification,
): Promise<NotificationReceipt> {
  const opened = openCapability(deps.hashKeys, 'callback', capability, deps.now());
  if (!opened || !isRecordId('verification', opened.recordId)) return { kind: 'unknown' };
  try {
    const [stored] = await deps.store.records.get([opened.recordId]);
    return stored ? await receive(deps, providerId, stored, notification) : { kind: 'unknown' };
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    deps.log.event('error', 'store_unavailable', { operation: 'notification' });
    return { kind: 'try_later' };
  }
}

/**
 * What came before the start was answered is read once it is. Never throws: the next visit to the
 * verification looks again.
 */
export async function receiveEarlyNotification(deps: CoreDeps, id: string): Promise<void> {
  try {
    const early = earlyNotifications(deps, id);
    const found = await early.find();
    for (const { providerId, notification } of found) {
      const [stored] = await deps.store.records.get([id]);
      if (!stored || kindOf(stored) !== 'verification') return;
      await receive(deps, providerId, stored, notification);
    }
    if (found.length > 0) await early.forget();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) logBug(deps.log, 'early notification', error);
  }
}

async function receive(
  deps: CoreDeps,
  providerId: string,
  stored: StoredRecord,
  notification: Notification,
): Promise<NotificationReceipt> {
  const record = decodeRecord('verification', stored);
  const provider = deps.registry.find(providerId);
  const channel = provider?.definition.channels[record.channel];
  if (!provider || !channel?.notification) return { kind: 'unknown' };
  const received = { kind: 'received', reply: channel.notification.reply } as const;
  if (record.redactedAtMs !== null) return received;
  if (record.startedAtMs === null) {
    await keepForLater(deps, provider, channel, record, notification);
    return received;
  }
  if (record.providerId !== providerId) return { kind: 'unknown' };
  if (record.status !== 'PENDING' || record.session === null || !isEnabled(provider)) {
    return received;
  }

  const source = outcomeSourceOf(provider, channel);
  if (source === 'NOTIFICATION') {
    const answer = read(deps, provider, channel.notification, notification, record);
    if (answer) await takeAtItsWord(deps, stored, answer, channel);
  } else if (source === 'QUERY' && notification.method === 'POST') {
    // Whatever it says: no vendor documents the body well enough to be choosy about a hint.
    askInBackground(deps, stored);
  }
  return received;
}

/** Sooner than the answer of the start: what it is about is not known yet. */
async function keepForLater(
  deps: CoreDeps,
  provider: RegisteredProvider,
  channel: ChannelDefinition<unknown>,
  { id }: VerificationRecord,
  notification: Notification,
): Promise<void> {
  // Where the provider can be asked, a hint before the beginning says nothing; nor does the GET of a
  // page that was opened.
  if (notification.method !== 'POST') return;
  if (!isEnabled(provider) || outcomeSourceOf(provider, channel) !== 'NOTIFICATION') return;
  const { id: providerId } = provider.definition;
  await earlyNotifications(deps, id).keep({ providerId, notification });
  // The start may have been answered meanwhile, and have looked before this was kept.
  const [stored] = await deps.store.records.get([id]);
  const current = stored ? decodeRecord('verification', stored) : null;
  // Or it came to nothing, or its person was redacted: then nobody would look for this any more.
  if (!current || current.redactedAtMs !== null) await earlyNotifications(deps, id).forget();
  else if (current.startedAtMs !== null) await receiveEarlyNotification(deps, id);
}

/** Null for what says nothing about this verification, or cannot be read at all. */
function read(
  { log }: CoreDeps,
  { definition: { id } }: RegisteredProvider,
  definition: NotificationDefinition,
  notification: Notification,
  { session }: VerificationRecord,
): OutcomeAnswer | null {
  try {
    return definition.read(notification, session ?? {});
  } catch {
    log.event('warn', 'notification_unreadable', { provider: id });
    return null;
  }
}

async function takeAtItsWord(
  deps: CoreDeps,
  stored: StoredRecord,
  answer: OutcomeAnswer,
  { graceSeconds }: ChannelDefinition<unknown>,
): Promise<void> {
  const nowMs = deps.now();
  const terms = { nowMs, askedMs: nowMs, graceSeconds, evidence: 'NOTIFIED' } as const;
  for (let current: StoredRecord | null | undefined = stored; current;) {
    const record = decodeRecord('verification', current);
    const concluded = concludeVerification(record, answer, terms);
    if (concluded === record) return;
    if (await writeVerification(deps, current, concluded)) return;
    [current] = await deps.store.records.get([record.id]);
  }
}

/** The provider waits for its reply, not for what we make of its hint. */
function askInBackground(deps: CoreDeps, stored: StoredRecord): void {
  refreshVerification(deps, stored, deps.now() + askWithinMs, 'came_back').catch(
    (error: unknown) => {
      if (!(error instanceof StoreUnavailable)) logBug(deps.log, 'notification', error);
    },
  );
}
