import { Agent, fetch, type RequestInit } from 'undici';

export interface Notify {
  /** Sends a GET, as a browser would, and again as a person would whose page says "try later". */
  readonly opened: (url: string) => void;
  /** Sends the notification. `shape`: `never`, `passes-only` or `twice`; otherwise once. */
  readonly finished: (
    notifyUrl: string,
    body: string,
    terms: { readonly hasPassed: boolean; readonly shape: string | undefined },
  ) => void;
  /** Aborts the running notifications and waits until they have ended. */
  readonly close: () => Promise<void>;
}

/** e签宝's newest page: retries after 1 s, then after 5 s, then no more. */
const retryAfterMs = [1000, 5000];
const replyWithinMs = 5000;
/** The response of the start is sent first. */
const firstAfterMs = 100;

/** Sends notifications as e签宝 does, one to three times, to loopback only. */
export function createNotify(toLoopback: (url: string) => string | null): Notify {
  const stopping = new AbortController();
  // Node's own fetch might use a proxy (NODE_USE_ENV_PROXY).
  const dispatcher = new Agent();
  const running = new Set<Promise<unknown>>();
  const run = (work: Promise<unknown>): void => {
    const settled = work.catch(() => {}).finally(() => running.delete(settled));
    running.add(settled);
  };

  /** The HTTP status; null if there was no answer. An address that is not on loopback gets no request, and counts as 200. */
  const send = async (address: string, init: RequestInit): Promise<number | null> => {
    const url = toLoopback(address);
    if (url === null || stopping.signal.aborted) return 200;
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(replyWithinMs)]);
    const response = await fetch(url, { ...init, dispatcher, redirect: 'manual', signal }).catch(
      () => null,
    );
    await response?.arrayBuffer();
    return response?.status ?? null;
  };

  const open = async (url: string): Promise<void> => {
    for (const waitMs of [0, ...retryAfterMs]) {
      await sleep(waitMs, stopping.signal);
      const status = await send(url, {});
      if (status !== null && status < 500) return;
    }
  };

  const deliver = async (notifyUrl: string, body: string): Promise<void> => {
    for (const waitMs of [firstAfterMs, ...retryAfterMs]) {
      await sleep(waitMs, stopping.signal);
      const status = await send(notifyUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      if (status !== null && status >= 200 && status < 300) return;
    }
  };

  return {
    opened: (url) => run(open(url)),
    finished: (notifyUrl, body, { hasPassed, shape }) => {
      if (shape === 'never' || (shape === 'passes-only' && !hasPassed)) return;
      for (let time = 0; time < (shape === 'twice' ? 2 : 1); time++) run(deliver(notifyUrl, body));
    },
    close: async () => {
      stopping.abort();
      await Promise.all(running);
      await dispatcher.destroy();
    },
  };
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Error('stopping'));
    });
  });
}
