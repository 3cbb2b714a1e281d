import { Pool } from 'undici';

export interface Request {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Sends requests, so many at a time, and checks each response. Returns how long each took, in ms. */
export async function sendAll(
  url: string,
  requests: readonly Request[],
  atOnce: number,
  check: (body: unknown) => void,
): Promise<readonly number[]> {
  const pool = new Pool(url, { connections: atOnce, pipelining: 1 });
  const tookMs: number[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < requests.length; at = next++) {
      const request = requests[at];
      if (!request) return;
      const startedMs = performance.now();
      const { body } = await pool.request({
        method: 'POST',
        path: request.path,
        headers: { 'content-type': 'application/json', ...request.headers },
        body: JSON.stringify(request.body),
      });
      check(await body.json());
      tookMs.push(performance.now() - startedMs);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, work));
  } finally {
    await pool.close();
  }
  return tookMs;
}
