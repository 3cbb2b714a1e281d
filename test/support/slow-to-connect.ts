import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

// A provider over TLS that is slow for each new connection, in a process of its own. Sends its port, and for every
// message how many requests arrived since the last one.

export const certificate = fileURLToPath(new URL('tls/cert.pem', import.meta.url));
const handshakeMs = 180;

if (process.send) {
  let arrivals = 0;
  const body = { Response: { Result: '0', Description: '认证通过', RequestId: 'r-1' } };
  const inner = createTlsServer(
    {
      cert: readFileSync(certificate),
      key: readFileSync(certificate.replace('cert.pem', 'key.pem')),
    },
    (request, response) => {
      arrivals += 1;
      request.resume();
      request.on('end', () => response.end(JSON.stringify(body)));
    },
  );
  inner.listen(0, '127.0.0.1', () => {
    const { port } = inner.address() as AddressInfo;
    const front = createServer((client) => {
      client.on('error', () => {});
      setTimeout(() => {
        // Nagle's algorithm would hold the first request back for 40 ms.
        const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
        upstream.on('error', () => {});
        client.pipe(upstream).pipe(client);
      }, handshakeMs);
    });
    front.listen(0, '127.0.0.1', () => process.send?.((front.address() as AddressInfo).port));
  });
  process.on('message', () => {
    process.send?.(arrivals);
    arrivals = 0;
  });
}
