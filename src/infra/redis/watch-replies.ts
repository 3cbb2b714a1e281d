import { ReplyError, type Command } from 'ioredis';
import { everyTick, tickMs } from '../running-time.ts';

type SentCommand = Pick<Command, 'resolve' | 'reject' | 'name'>;

/** What commands show about the server. */
export interface ReplyOutcome {
  readonly failed: (error: unknown) => void;
  /** A write succeeded. A server that only reads is of no use. */
  readonly works: () => void;
}

/** Not scripts: one that finds nothing to do only reads, and succeeds on a replica and on a full server. */
const writes: ReadonlySet<string> = new Set(['set', 'zadd']);
/** Commands that the service can do without. */
const mayBeDenied: ReadonlySet<string> = new Set(['config', 'info']);

export interface ReplyWatch {
  /** Call with each command that is about to be sent. It is rejected if the server goes silent. */
  readonly watch: (command: SentCommand) => void;
  /** Call when the connection is closed. Outstanding replies will never come. */
  readonly connectionClosed: () => void;
}

interface Waiting {
  readonly giveUp: () => void;
  silentMs: number;
  isGivenUp: boolean;
}

/** After this much silence the server counts as not responding. */
const mostSilenceMs = 250;
/** After this much silence the connection is replaced. */
const replaceAfterMs = 2000;

/**
 * Rejects a command after 250 ms of silence: no reply to it, and none to an earlier command. A server that
 * works through a long queue is not silent.
 *
 * Counts only time in which the event loop runs (`everyTick`), so a reply that has arrived always counts.
 * ioredis' `commandTimeout` and `socketTimeout` are plain timers: they failed commands whose replies were
 * waiting to be read (35 of 800 requests, measured 2026-11-25).
 */
export function createReplyWatch({
  replaceConnection,
  outcome,
}: {
  readonly outcome: ReplyOutcome;
  /** Null if the client has several connections. Then the silence of one says nothing about the others. */
  readonly replaceConnection: (() => void) | null;
}): ReplyWatch {
  const waiting = new Map<number, Waiting>();
  let sent = 0;
  /** The earliest command that got its reply since the last tick. */
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
      // Replies come in the order of the commands, so a reply to an earlier command shows that the server
      // is still working.
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
        if (writes.has(command.name)) outcome.works();
        resolve(value);
      };
      command.reject = (error) => {
        if (error instanceof ReplyError) replied();
        else if (!waiting.get(at)?.isGivenUp) waiting.delete(at);
        if (!mayBeDenied.has(command.name)) outcome.failed(error);
        reject(error);
      };
      const giveUp = (): void => command.reject(new Error('Redis does not respond'));
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
