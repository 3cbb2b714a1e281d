import { connect, createServer, type Socket } from 'node:net';

/** One address before several replicas, as a load balancer gives it: each new connection goes to the next one. */
export async function startBalancer(first: readonly string[]) {
  let targets = first.map((url) => Number(new URL(url).port));
  let count = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const port = targets[(count += 1) % targets.length] ?? 0;
    const target = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      open.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** New connections go to these. */
    use: (urls: readonly string[]) => {
      targets = urls.map((url) => Number(new URL(url).port));
    },
    /** Ends every open connection. */
    cut: () => {
      for (const socket of open) socket.destroy();
    },
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
