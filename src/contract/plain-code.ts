/**
 * A provider's code or request id as it may be logged, shown and kept: anything that does not look
 * like one could be somebody's input.
 */
export function toPlainCode(code: string): string {
  return /^[\w.-]{1,100}$/u.test(code) ? code : 'unreadable';
}
