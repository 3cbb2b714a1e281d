/** 1: it could not be done. 2: the command line is wrong. */
export type ExitCode = 1 | 2;

/** What a command cannot do. The message is one line for the person who ran it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The command line is wrong. */
export function wrongUsage(message: string): CommandError {
  return new CommandError(`${message}; see verification-subgraph --help`, 2);
}
