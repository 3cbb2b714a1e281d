/** Phone numbers have 11 digits; ID and card numbers have more. The longest provider code has 8. */
const personalDigits = /\d{11}/u;

/**
 * A provider's result or error code in a form that is safe to log, show and store. Returns `unreadable` for
 * a text that does not look like a code, because it may contain user input.
 */
export function sanitizeCode(code: string): string {
  return isPlain(code) && !personalDigits.test(code) ? code : 'unreadable';
}

/**
 * A provider's request id, which may be a long number. Returns `unreadable` for a text that looks like a
 * phone, ID or card number.
 */
export function sanitizeRequestId(id: string): string {
  return isPlain(id) && !/^(?:\d{11,19}|\d{17}[\dXx])$/u.test(id) ? id : 'unreadable';
}

/** A plugin's own words. Dropped if they look like more than that. */
export function sanitizeExplanation(text: string): string | undefined {
  return text.length <= 200 && !/\d{6}/u.test(text) ? text : undefined;
}

function isPlain(text: string): boolean {
  return /^[\w.-]{1,100}$/u.test(text);
}
