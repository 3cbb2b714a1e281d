import { ReplyError, type Command } from 'ioredis';
import { everyTick, tickMs } from '../running-time.ts';

type SentCommand = Pick<Command, 'resolve' | 'reject'>;

export interface ReplyWatch {
  /** Call with each command that is about to be sent: it is rejected when the server goes silent. */
  readonly watch: (command: SentCommand) => void;
  /** Call when the connection is closed: what it still owed will never come. */
  readonly connectionClosed: () => void;
}

interface Waiting {
  readonly giveUp: () => void;
  silentMs: number;
  isGivenUp: boolean;
}

/** After so much silence the server counts as not answering. */
const mostSilenceMs = 250;
/** After so much silence the connection is replaced. */
const replaceAfterMs = 2000;

/**
 * Gives a command up after 250 ms of silence: no reply to it, and none to a command that was sent before
 * it. A server that works through a long queue is not silent.
 *
 * Only time in which the event loop runs is counted (`everyTick`), so a reply that has arrived always
 * counts. ioredis' `commandTimeout` and `socketTimeout` are plain timers: they failed commands whose
 * replies were waiting to be read (35 of 800 requests, measured 2026-11-25).
 */
export function createReplyWatch({
  replaceConnection,
}: {
  /** Null where the client has several connections: then silence of one says nothing of the others. */
  readonly replaceConnection: (() => void) | null;
}): ReplyWatch {
  const waiting = new Map<number, Waiting>();
  let sent = 0;
  /** The earliest command that was answered since the last tick. */
  let earliestReply = Infinity;
  let silentForMs = 0;
  let stopTicks: (() => void) | null = null;

  const stopWhenIdle = (): void => {
    if (waiting.size > 0) return;
    stopTicks?.();
    stopTicks = null;
    silentForMs = 0;
  };

  const onTick = (): void => {
    silentForMs = earliestReply < Infinity ? 0 : silentForMs + tickMs;
    for (const [at, one] of waiting) {
      // Replies come in the order of their commands: an earlier one was ahead of this one.
      one.silentMs = at > earliestReply ? 0 : one.silentMs + tickMs;
      if (one.silentMs < mostSilenceMs || one.isGivenUp) continue;
      one.isGivenUp = true;
      if (!replaceConnection) waiting.delete(at);
      one.giveUp();
    }
    earliestReply = Infinity;
    if (silentForMs >= replaceAfterMs) {
      silentForMs = 0;
      replaceConnection?.();
    }
    stopWhenIdle();
  };

  return {
    watch: (command) => {
      const at = sent;
      sent += 1;
      const { resolve, reject } = command;
      const replied = (): void => {
        waiting.delete(at);
        earliestReply = Math.min(earliestReply, at);
      };
      command.resolve = (value) => {
        replied();
        resolve(value);
      };
      command.reject = (error) => {
        if (error instanceof ReplyError) replied();
        else if (!waiting.get(at)?.isGivenUp) waiting.delete(at);
        reject(error);
      };
      const giveUp = (): void => command.reject(new Error('Redis does not answer'));
      waiting.set(at, { giveUp, silentMs: 0, isGivenUp: false });
      stopTicks ??= everyTick(onTick);
    },

    connectionClosed: () => {
      for (const one of waiting.values()) {
        if (one.isGivenUp) continue;
        one.isGivenUp = true;
        one.giveUp();
      }
      waiting.clear();
      stopWhenIdle();
    },
  };
}
