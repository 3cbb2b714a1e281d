import type { Log } from '../ports/index.ts';

/** Logs an unexpected error: its name and stack frames, never its message, which may contain input. */
export function logBug(log: Log, where: string, error: unknown): void {
  const isError = error instanceof Error;
  log.event('error', 'bug', {
    where,
    errorName: isError ? error.name : typeof error,
    stack: isError ? framesOf(error) : undefined,
  });
}

/** The stack without its head, which repeats the message. The message may have several lines. */
function framesOf({ stack = '', message }: Error): string {
  const end = stack.indexOf(message);
  const afterMessage = end < 0 ? stack : stack.slice(end + message.length);
  return afterMessage
    .split('\n')
    .filter((line) => /^ {4}at .*:\d+:\d+\)?$/u.test(line))
    .join('\n');
}
