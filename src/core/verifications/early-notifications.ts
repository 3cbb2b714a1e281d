import type { Notification } from '../../contract/index.ts';
import { StoreUnavailable } from '../../ports/index.ts';
import { modeOf, type KeySpace, type Random, type Storage } from '../core-deps.ts';
import { holdLock } from '../records/hold-lock.ts';
import { keyedHashes } from '../records/keyed-hash.ts';
import { placeholderKeepSeconds } from '../records/records.ts';

/** A notification and the provider that sent it. */
export interface EarlyNotification {
  readonly providerId: string;
  readonly notification: Notification;
}

/** A provider sends only a few. */
const mostKept = 5;
const writeWithinMs = 1000;
const tries = 20;

/** Notifications that came before the response to the start. The first few are kept until it comes. */
export function earlyNotifications(
  { store: { cache, locks }, hashKeys, sandbox, randomBytes }: Storage & KeySpace & Random,
  verificationId: string,
) {
  const keys = keyedHashes(hashKeys, 'early', [modeOf({ sandbox }), verificationId]);

  const find = async (): Promise<readonly EarlyNotification[]> => {
    for (const key of keys) {
      const text = await cache.get(key);
      if (text !== null) return (JSON.parse(text) as readonly Kept[]).map(read);
    }
    return [];
  };

  return {
    find,
    forget: (): Promise<void> => cache.remove(keys),
    /** False if `mostKept` are stored already. Throws `StoreUnavailable` if it could not be stored. */
    keep: async (early: EarlyNotification): Promise<boolean> => {
      // Two notifications at the same time must not overwrite each other.
      const lock = holdLock(locks, keys, randomBytes(16).toString('base64url'));
      for (let time = 0; !(await lock.take(writeWithinMs)); time++) {
        if (time === tries) throw new StoreUnavailable();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      try {
        const kept = await find();
        if (kept.length >= mostKept) return false;
        const text = JSON.stringify([...kept, early].map(write));
        for (const key of keys) await cache.set(key, text, placeholderKeepSeconds);
        return true;
      } finally {
        await lock.release();
      }
    },
  };
}

interface Kept extends Omit<Notification, 'body'> {
  readonly providerId: string;
  /** Base64. */
  readonly body: string;
}

function write({ providerId, notification: { body, ...rest } }: EarlyNotification): Kept {
  return { providerId, ...rest, body: body.toString('base64') };
}

function read({ providerId, body, ...rest }: Kept): EarlyNotification {
  return { providerId, notification: { ...rest, body: Buffer.from(body, 'base64') } };
}
