import type { Redis } from 'ioredis';

/**
 * Sends the commands of one turn of the event loop with one system call, also those of different requests. Each write
 * of its own costs about 50 µs, and Redis one more read (Node 24.21, 2026-11-26). The order of the commands and their
 * replies stays the same, other than with a pipeline.
 *
 * The turn ends right after the sockets that are ready have been read, so a command waits for no timer and no network.
 */
export function batchWrites(client: Redis): void {
  const sendCommand: Redis['sendCommand'] = client.sendCommand.bind(client);
  let corked: Redis['stream'] | null = null;
  client.sendCommand = (...given: Parameters<Redis['sendCommand']>) => {
    const { stream } = client;
    if (stream && corked !== stream) {
      corked = stream;
      stream.cork();
      setImmediate(() => {
        corked = null;
        stream.uncork();
      });
    }
    return sendCommand(...given);
  };
}
