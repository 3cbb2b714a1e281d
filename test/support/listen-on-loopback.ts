import type { Server } from 'node:http';

/** Starts a server on a free port of this host. `stop` closes its connections too. */
export async function listenOnLoopback(
  server: Server,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
