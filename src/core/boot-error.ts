/** The process cannot start as it is set up. Each line says what is wrong and how to mend it. */
export class BootError extends Error {
  override readonly name = 'BootError';
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
    this.lines = lines;
  }
}
