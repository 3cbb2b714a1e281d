import type { GraphqlResult, Transport } from './create-verification-client.ts';

export interface HttpTransportOptions {
  /** Of your supergraph. */
  readonly url: string;
  /** Further headers, such as `authorization`. Asked for each request. */
  readonly headers?: () =>
    Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
}

const subscriptionTypes = 'text/event-stream, multipart/mixed;subscriptionSpec=1.0';

const silentMs = 45_000;

/**
 * GraphQL over HTTP. Subscriptions come as server-sent events (Hive Gateway, GraphQL Yoga; graphql-sse's "distinct
 * connections mode") or as multipart (Apollo Router), whichever the server speaks.
 */
export function httpTransport({
  url,
  headers = () => ({}),
}: HttpTransportOptions): Transport & Required<Pick<Transport, 'subscribe'>> {
  const post = async (accept: string, body: object, signal?: AbortSignal): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept, ...(await headers()) },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    });

  return {
    send: async (query, variables, signal) => {
      const response = await post('application/json', { query, variables }, signal);
      const result = (await response.json().catch(() => ({}))) as GraphqlResult<never>;
      const { data, errors } = result;
      // Something between the page and the supergraph may have answered, or a gateway that gives no codes.
      const code = `HTTP_${response.status}`;
      if (data || errors?.every(({ extensions }) => extensions?.code)) return result;
      return { errors: [{ message: errors?.[0]?.message ?? code, extensions: { code } }] };
    },
    subscribe: async function* subscribe(query, variables, signal) {
      const response = await post(subscriptionTypes, { query, variables }, signal);
      const type = response.headers.get('content-type') ?? '';
      const [, boundary] = /^multipart\/.*boundary="?([^";]+)/u.exec(type) ?? [];
      if (!response.body || (boundary === undefined && !type.startsWith('text/event-stream'))) {
        await response.body?.cancel();
        throw new Error('no subscriptions');
      }
      const separator = boundary === undefined ? /\r?\n\r?\n/u : `\r\n--${boundary}`;
      for await (const part of split(response.body, separator)) {
        const result = toResult(part);
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
  // The first boundary may be the first line.
  let text = '\r\n';
  try {
    for (;;) {
      // Gateways send something every few seconds. A silent connection is dead.
      const timer = setTimeout(() => void reader.cancel(), silentMs);
      const { done, value } = await reader.read();
      clearTimeout(timer);
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

/**
 * A result: the data of an event, or the body of a part, which has it in `payload`. Null for what only keeps the connection
 * alive, and for the end.
 */
function toResult(part: string): GraphqlResult<never> | null {
  const at = part.indexOf('{');
  if (at < 0) return null;
  // The data of an event may go on in the next line.
  const { payload, ...result } = JSON.parse(
    part.slice(at).replaceAll(/\r?\ndata: ?/gu, ''),
  ) as GraphqlResult<never> & { readonly payload?: GraphqlResult<never> | null };
  return payload ?? (result.data || result.errors ? result : null);
}
