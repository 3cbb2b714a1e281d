import { connect, createServer, type Socket } from 'node:net';

export interface FarAway {
  readonly port: number;
  readonly url: string;
  readonly stop: () => void;
}

/** A Redis of this host behind a network that takes so long for each way. */
export async function startFarAway(port: number, oneWayMs: number): Promise<FarAway> {
  const sockets = new Set<Socket>();
  const carry = (from: Socket, to: Socket): void => {
    from.on('data', (chunk) => setTimeout(() => to.write(chunk), oneWayMs));
  };
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
    }
    carry(client, upstream);
    carry(upstream, client);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return {
    port: address.port,
    url: `redis://127.0.0.1:${address.port}`,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
