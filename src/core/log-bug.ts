import type { Log } from '../contract/index.ts';

/** Logs an error that nobody expected: its name and where it came from, never its message. */
export function logBug(log: Log, where: string, error: unknown): void {
  const isError = error instanceof Error;
  log.event('error', 'bug', {
    where,
    errorName: isError ? error.name : typeof error,
    // The first line repeats the message, which may hold input.
    stack: isError
      ? error.stack
          ?.split('\n')
          .filter((line) => /^\s+at /u.test(line))
          .join('\n')
      : undefined,
  });
}
