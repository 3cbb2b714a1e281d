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
import {
  decodeRecord,
  encodeRecord,
  isRecordId,
  keepRecordSeconds,
  type VerificationRecord,
} from './records.ts';
import { refreshVerification } from './refresh-verification.ts';
import { isEnabled, outcomeSourceOf, type RegisteredProvider } from './registry.ts';

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

async function receive(
  deps: CoreDeps,
  providerId: string,
  stored: StoredRecord,
  notification: Notification,
): Promise<NotificationReceipt> {
  const record = decodeRecord('verification', stored);
  // Sooner than the answer of the start: who serves, and what it is about, is not known yet.
  if (record.status === 'PENDING' && record.session === null) return { kind: 'try_later' };
  const provider = deps.registry.find(providerId);
  const channel = provider?.definition.channels[record.channel];
  if (record.providerId !== providerId || !provider || !channel?.notification) {
    return { kind: 'unknown' };
  }
  const received = { kind: 'received', reply: channel.notification.reply } as const;
  if (record.status !== 'PENDING' || !isEnabled(provider)) return received;

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
  const terms = { nowMs: deps.now(), graceSeconds, evidence: 'NOTIFIED' } as const;
  const keepSeconds = keepRecordSeconds(deps.retentionDays);
  for (let current: StoredRecord | null | undefined = stored; current;) {
    const record = decodeRecord('verification', current);
    const concluded = concludeVerification(record, answer, terms);
    if (concluded === record) return;
    if (await deps.store.records.replace(current, encodeRecord(concluded), keepSeconds)) return;
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
