import { until } from './until.ts';

/** The person opens the page of the emulated provider and passes. A busy process refuses pages with 503, and a person retries. */
export async function passAsPerson(url: string): Promise<Response> {
  const visit = (options: RequestInit): Promise<Response> =>
    until(async () => {
      const response = await fetch(url, options);
      return response.status === 503 ? null : response;
    }, 60_000);
  await visit({});
  const body = new URLSearchParams({ act: 'pass' });
  return visit({ method: 'POST', body, redirect: 'manual' });
}
