import type { GraphqlResult, Transport } from './create-verification-client.ts';

export interface HttpTransportOptions {
  /** Of your supergraph. */
  readonly url: string;
  /** Further headers, such as `authorization`. Asked for each request. */
  readonly headers?: () =>
    Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  readonly fetch?: typeof fetch;
}

const subscriptionTypes = 'text/event-stream, multipart/mixed;subscriptionSpec=1.0';

/**
 * GraphQL over HTTP. Subscriptions come as server-sent events (Hive Gateway, GraphQL Yoga; graphql-sse's "distinct
 * connections mode") or as multipart (Apollo Router), whichever the server speaks.
 */
export function httpTransport({
  url,
  headers = () => ({}),
  fetch: ask = (...given) => fetch(...given),
}: HttpTransportOptions): Transport & Required<Pick<Transport, 'subscribe'>> {
  const post = async (accept: string, body: object, signal?: AbortSignal): Promise<Response> =>
    ask(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept, ...(await headers()) },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    });

  return {
    send: async (query, variables, signal) => {
      const response = await post('application/json', { query, variables }, signal);
      const result = (await response.json().catch(() => ({}))) as GraphqlResult<never>;
      if (result.data || result.errors) return result;
      // Something between the page and the supergraph has answered.
      const code = `HTTP_${response.status}`;
      return { errors: [{ message: code, extensions: { code } }] };
    },
    subscribe: async function* subscribe(query, variables, signal) {
      const response = await post(subscriptionTypes, { query, variables }, signal);
      const type = response.headers.get('content-type') ?? '';
      const [, boundary] = /^multipart\/.*boundary="?([^";]+)/u.exec(type) ?? [];
      if (!response.body || (boundary === undefined && !type.startsWith('text/event-stream'))) {
        throw new Error('no subscriptions');
      }
      const separator = boundary === undefined ? /\r?\n\r?\n/u : `--${boundary}`;
      for await (const part of split(response.body, separator)) {
        const result = boundary === undefined ? toEvent(part) : toPart(part);
        if (result) yield result;
      }
    },
  };
}

async function* split(
  body: ReadableStream<Uint8Array>,
  separator: RegExp | string,
): AsyncIterable<string> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as never)
    .getReader() as ReadableStreamDefaultReader<string>;
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (text + value).split(separator);
      text = parts.pop() ?? '';
      yield* parts;
    }
  } finally {
    // The server learns that nobody listens any more.
    await reader.cancel().catch(() => {});
  }
}

/** `event: next` with a result as its data. */
function toEvent(part: string): unknown {
  if (!/^event: ?next$/mu.test(part)) return null;
  const lines = [...part.matchAll(/^data: ?(.*)$/gmu)].map(([, line]) => line);
  return JSON.parse(lines.join('\n'));
}

/** Headers, a blank line, and `{payload}`; without a payload it only keeps the connection alive. */
function toPart(part: string): unknown {
  const [, ...rest] = part.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n').trim();
  if (body === '') return null;
  const { payload, errors } = JSON.parse(body) as { payload?: unknown; errors?: unknown };
  return payload ?? (errors ? { errors } : null);
}
