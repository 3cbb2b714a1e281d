import { Writable } from 'node:stream';
import { startApp, type App } from '../../src/app.ts';
import type { AnyProvider } from '../../src/contract/index.ts';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

export interface TestApp extends App {
  readonly url: string;
  /** Every line that was logged. */
  readonly logLines: readonly string[];
  /** Sends a document. Like a client, it repeats after a second what a busy process refused with 503. */
  readonly send: Send;
  /** Sends a document once. */
  readonly sendOnce: Send;
}

type Send = (
  query: string,
  variables?: object,
  headers?: Record<string, string>,
) => Promise<GraphqlAnswer>;

export interface GraphqlAnswer {
  readonly status: number;
  readonly text: string;
  // Tests read deep into answers whose shape they assert.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly data: any;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly errors: any;
}

/** The whole app on a free port, composed as by `npm start`. */
export async function startTestApp(
  options: {
    readonly env?: Record<string, string>;
    readonly definitions?: readonly AnyProvider[];
    readonly now?: () => number;
  } = {},
): Promise<TestApp> {
  const logLines: string[] = [];
  const logDestination = new Writable({
    write: (chunk, _encoding, done) => {
      logLines.push(String(chunk));
      done();
    },
  });
  const port = Number(options.env?.['PORT'] ?? (await freePort()));
  const app = await startApp({
    ...options,
    env: { PORT: String(port), ...options.env },
    logDestination,
  });
  const url = `http://127.0.0.1:${port}`;
  const sendOnce: Send = async (query, variables = {}, headers = {}) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    const { data, errors } = JSON.parse(text);
    return { status: response.status, text, data, errors };
  };
  return {
    ...app,
    url,
    logLines,
    sendOnce,
    send: (...given) =>
      until(
        async () => {
          const answer = await sendOnce(...given);
          return answer.status === 503 ? null : answer;
        },
        240_000,
        1000,
      ),
  };
}
