import type { Notification } from '../contract/index.ts';
import { modeOf, type CoreDeps } from './core-deps.ts';
import { keyedHashes } from './keyed-hash.ts';
import { skeletonKeepSeconds } from './records.ts';

/** A notification and the provider that sent it. */
export interface EarlyNotification {
  readonly providerId: string;
  readonly notification: Notification;
}

/** Notifications that came before the start was answered: kept, the last one, until it is. */
export function earlyNotifications(
  { store: { cache }, hashKeys, sandbox }: Pick<CoreDeps, 'store' | 'hashKeys' | 'sandbox'>,
  verificationId: string,
) {
  const keys = keyedHashes(hashKeys, 'early', [modeOf({ sandbox }), verificationId]);
  return {
    keep: async ({ providerId, notification }: EarlyNotification): Promise<void> => {
      const { method, headers, body } = notification;
      const text = JSON.stringify({ providerId, method, headers, body: body.toString('base64') });
      for (const key of keys) await cache.set(key, text, skeletonKeepSeconds);
    },
    find: async (): Promise<EarlyNotification | null> => {
      for (const key of keys) {
        const text = await cache.get(key);
        if (text !== null) return read(text);
      }
      return null;
    },
    forget: (): Promise<void> => cache.remove(keys),
  };
}

function read(text: string): EarlyNotification {
  const { providerId, body, ...rest } = JSON.parse(text) as Omit<Notification, 'body'> & {
    readonly providerId: string;
    readonly body: string;
  };
  return { providerId, notification: { ...rest, body: Buffer.from(body, 'base64') } };
}
