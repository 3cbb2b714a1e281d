/** The process cannot start with its settings. Each line says what is wrong and how to fix it. */
export class BootError extends Error {
  override readonly name = 'BootError';
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
    this.lines = lines;
  }
}
