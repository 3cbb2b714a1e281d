import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const own = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The page, and a route to the supergraph. Listens on loopback. */
export async function startFrontend(options: {
  readonly port: number;
  /** Of the supergraph. */
  readonly graphqlUrl: string;
}) {
  const script = await bundlePage();
  const html = readFileSync(own('page/index.html'), 'utf8');
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/graphql') void passOn(options.graphqlUrl, request, response);
    else if (pathname === '/page.js') send(response, 'text/javascript', script);
    else if (pathname === '/') send(response, 'text/html; charset=utf-8', html);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(options.port, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${options.port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** In a project of your own, `verification-subgraph/client` is found in node_modules. */
async function bundlePage(): Promise<string> {
  const bundle = await rolldown({
    input: own('page/main.tsx'),
    resolve: { alias: { 'verification-subgraph/client': own('../../src/client/index.ts') } },
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  return output[0].code;
}

function send(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

/** As a reverse proxy does. A subscription goes on until one of the two sides ends it. */
async function passOn(
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const control = new AbortController();
  response.on('close', () => control.abort());
  try {
    const { accept = '*/*' } = request.headers;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: Buffer.concat(chunks),
      signal: control.signal,
    });
    const type = answer.headers.get('content-type') ?? 'application/json';
    response.writeHead(answer.status, { 'content-type': type });
    response.flushHeaders();
    if (answer.body)
      Readable.fromWeb(answer.body as ReadableStream)
        .on('error', () => response.destroy())
        .pipe(response);
    else response.end();
  } catch {
    response.destroy();
  }
}
