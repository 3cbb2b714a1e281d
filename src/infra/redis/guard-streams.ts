import type { Redis } from 'ioredis';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

interface Connector {
  connect: (...given: readonly unknown[]) => Promise<Duplex>;
  /** Of a client that asks sentinels for the master. */
  connectToSentinel?: (endpoint: unknown, options?: object) => Redis;
}

export interface StreamWatch {
  /** Learns what the clients for sentinels fail with, which ioredis keeps to itself. */
  readonly failed: (error: unknown) => void;
  /** Learns how far a TLS handshake has come. */
  readonly handshake: (state: 'begun' | 'done') => void;
}

/**
 * Listens to every error of every socket of a client that has not connected yet. ioredis listens to the first one
 * only (6.0.0), and a second one would end the process: a TLS handshake that fails on a server that is stopped has
 * two.
 */
export function guardStreams(client: Redis, watch: StreamWatch): void {
  // Not a part of the types of ioredis. A test fails if it is no longer there.
  const connector = Reflect.get(client, 'connector') as Connector;
  const connect = connector.connect.bind(connector);
  connector.connect = async (...given) => {
    const stream = await connect(...given);
    stream.on('error', () => {});
    if (stream instanceof TLSSocket) {
      stream.on('connect', () => watch.handshake('begun'));
      stream.on('secureConnect', () => watch.handshake('done'));
    }
    return stream;
  };
  const toSentinel = connector.connectToSentinel?.bind(connector);
  if (toSentinel) {
    connector.connectToSentinel = (endpoint, options) => {
      // It connects at its first command, so that it is guarded by then.
      const sentinel = toSentinel(endpoint, { ...options, lazyConnect: true });
      sentinel.on('error', watch.failed);
      guardStreams(sentinel, watch);
      return sentinel;
    };
  }
  // A cluster client asks for its slots over copies.
  const duplicate: Redis['duplicate'] = client.duplicate.bind(client);
  client.duplicate = (override) => {
    const copy = duplicate({ ...override, lazyConnect: true });
    guardStreams(copy, watch);
    return copy;
  };
}
