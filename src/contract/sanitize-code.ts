/** Phone numbers have eleven digits, ID and card numbers more; the longest codes of providers have eight. */
const personalDigits = /\d{11}/u;

/**
 * A provider's code as it may be logged, shown and kept: anything that does not look like one could be
 * somebody's input.
 */
export function sanitizeCode(code: string): string {
  return isPlain(code) && !personalDigits.test(code) ? code : 'unreadable';
}

/** A provider's id of a request, which may be a long number. What is only a number of a person is none. */
export function sanitizeRequestId(id: string): string {
  return isPlain(id) && !/^(?:\d{11,19}|\d{17}[\dXx])$/u.test(id) ? id : 'unreadable';
}

function isPlain(text: string): boolean {
  return /^[\w.-]{1,100}$/u.test(text);
}
