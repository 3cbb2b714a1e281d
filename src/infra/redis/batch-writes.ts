import type { Redis } from 'ioredis';

/**
 * Sends the commands of one tick with one system call. Each write of its own costs about 50 µs (Node 24.21,
 * 2026-11-26). The order of the commands and their replies stays the same, other than with a pipeline.
 */
export function batchWrites(client: Redis): void {
  const sendCommand: Redis['sendCommand'] = client.sendCommand.bind(client);
  let corked: Redis['stream'] | null = null;
  client.sendCommand = (...given: Parameters<Redis['sendCommand']>) => {
    const { stream } = client;
    if (stream && corked !== stream) {
      corked = stream;
      stream.cork();
      process.nextTick(() => {
        corked = null;
        stream.uncork();
      });
    }
    return sendCommand(...given);
  };
}
