import { ReplyError, type Command } from 'ioredis';
import type { WaitWatch } from '../../ports/index.ts';
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
  /** Its place in the order of commands. */
  readonly at: number;
  /** Null once no reply is expected any more. */
  command: SentCommand | null;
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
  waitOfNow = () => undefined,
}: {
  /** What measures the waits of the operation that sends a command now. */
  readonly waitOfNow?: () => WaitWatch | undefined;
  readonly outcome: ReplyOutcome;
  /** Null if the client has several connections. Then the silence of one says nothing about the others. */
  readonly replaceConnection: (() => void) | null;
}): ReplyWatch {
  /**
   * Cleared at each tick. With a `Map`, commands that had their reply stayed in memory until a full garbage collection,
   * about 17 KB per start (Node 24.21, 2026-11-26). Probably the tables that a `Map` outgrows keep each other.
   */
  let waiting: Waiting[] = [];
  let sent = 0;
  /** The earliest command that got its reply since the last tick. */
  let earliestReply = Infinity;
  let silentForMs = 0;
  let stopTicks: (() => void) | null = null;

  const clear = (): void => {
    waiting = waiting.filter(({ command }) => command !== null);
    if (waiting.length > 0) return;
    stopTicks?.();
    stopTicks = null;
    silentForMs = 0;
  };

  const replied = (one: Waiting): void => {
    one.command = null;
    earliestReply = Math.min(earliestReply, one.at);
  };

  const giveUp = (one: Waiting): void => {
    if (one.command === null || one.isGivenUp) return;
    one.isGivenUp = true;
    one.command.reject(new Error('Redis does not respond'));
  };

  const onTick = (): void => {
    silentForMs = earliestReply < Infinity ? 0 : silentForMs + tickMs;
    for (const one of waiting) {
      // Replies come in the order of the commands, so a reply to an earlier command shows that the server
      // is still working.
      one.silentMs = one.at > earliestReply ? 0 : one.silentMs + tickMs;
      if (one.silentMs < mostSilenceMs) continue;
      giveUp(one);
      if (!replaceConnection) one.command = null;
    }
    earliestReply = Infinity;
    if (silentForMs >= replaceAfterMs) {
      silentForMs = 0;
      replaceConnection?.();
    }
    clear();
  };

  return {
    watch: (command) => {
      const one: Waiting = { at: sent, command, silentMs: 0, isGivenUp: false };
      sent += 1;
      const { resolve, reject } = command;
      let wait = waitOfNow();
      wait?.begin();
      const endWait = (): void => {
        wait?.end();
        wait = undefined;
      };
      command.resolve = (value) => {
        endWait();
        replied(one);
        if (writes.has(command.name)) outcome.works();
        resolve(value);
      };
      command.reject = (error) => {
        endWait();
        if (error instanceof ReplyError) replied(one);
        else if (!one.isGivenUp) one.command = null;
        if (!mayBeDenied.has(command.name)) outcome.failed(error);
        reject(error);
      };
      waiting.push(one);
      stopTicks ??= everyTick(onTick);
    },

    connectionClosed: () => {
      waiting.forEach(giveUp);
      waiting = [];
      clear();
    },
  };
}
