/**
 * Checks and normalisation of user input, shared by core and plugins.
 *
 * Each check returns a message, or null if the value is valid. No message contains the value. Sources, and
 * samples that must pass: docs/decisions/0004-input-checks.md
 */

/** Blanks, and what is copied with a number without being seen: direction marks, joiners, soft hyphens. */
const blanks = /[\s\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const separators = /[\s\p{Cf}\p{Default_Ignorable_Code_Point}\p{Pd}\u2212]/gu;
/** What stands between groups of digits of a phone number, as people write it. */
const phoneSeparators = /^tel:|[().,/_·•]/giu;
/**
 * The dot inside names of some peoples. Registers write U+00B7, the dot of GB/T 15834 (interpunct of GB 2312). Input
 * methods give others, and a name with another one matches nobody. A full stop counts between Han characters only.
 * Dots and the blanks around them are one run: a pattern with blanks before the dot takes quadratic time.
 */
const dottedRuns =
  /[\s\u00b7\u0387\u16eb\u2022\u2027\u2219\u22c5\u25cf\u25e6\u26ab\u2e31\u2e33\u30fb\u318d\ua78f\uff65]+/gu;
const fullStops = /(?<=\p{Script=Han})\s*[.\u2024\ufe52\uff0e\u3002\uff61]\s*(?=\p{Script=Han})/gu;
/**
 * Characters that make two different inputs look alike, or break a header or a log line. Private-use
 * characters are allowed, because they encode rare characters of real names.
 */
const controls = /[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800]/u;

export function normaliseName(name: string): string {
  return name
    .normalize('NFC')
    .trim()
    .replace(dottedRuns, (run) => (run.trim() === '' ? run : '·'))
    .replace(fullStops, '·');
}

/** Without blanks, in half-width and upper case: official interfaces refuse a lower-case x. */
export function normaliseIdNumber(idNumber: string): string {
  return idNumber.normalize('NFKC').replace(blanks, '').toUpperCase();
}

export function normaliseCardNumber(cardNumber: string): string {
  return cardNumber.normalize('NFKC').replace(separators, '');
}

/**
 * Without blanks and separators, and without mainland China's country prefix (`+86`, `0086`, `86`) or a trunk `0` in
 * front of a mobile number.
 */
export function normalisePhone(phone: string): string {
  return phone
    .normalize('NFKC')
    .replace(separators, '')
    .replace(phoneSeparators, '')
    .replace(/^(?:\+86|0086)/u, '')
    .replace(/^(?:86|0)(?=1\d{10}$)/u, '');
}

/** `maxLength`: the limit of the provider's page, if it states one. */
export function checkName(name: string, maxLength = Infinity): string | null {
  if (name === '') return 'must not be empty';
  if (controls.test(name)) return 'must not contain control or invisible characters';
  if (/^·|·$/u.test(name)) return 'must not begin or end with a dot';
  // U+FFFD shows that a name was decoded with the wrong encoding. A paid check of it would match no person.
  if (name.includes('\ufffd')) return 'must not contain the replacement character U+FFFD';
  if (lengthOf(name) > maxLength) return `must have at most ${maxLength} characters`;
  return null;
}

/** Line breaks and tabs are allowed. Other control characters and lone surrogates break JSON parsers. */
export function checkText(text: string, maxLength: number): string | null {
  if (/[\p{Cs}\ufffd]|(?![\n\r\t])\p{Cc}/u.test(text)) {
    return 'must not contain control characters or invalid Unicode';
  }
  return lengthOf(text) > maxLength ? `must have at most ${maxLength} characters` : null;
}

/**
 * Checks characters and length only, not whether the number exists. `length`: the limits of the provider's page, if
 * it states them.
 */
export function checkIdNumber(
  idNumber: string,
  length: { readonly min: number; readonly max: number } = { min: 1, max: Infinity },
): string | null {
  if (!/^[0-9A-Z]+$/u.test(idNumber)) return 'must contain only letters and digits';
  if (idNumber.length < length.min || idNumber.length > length.max) {
    return length.min === length.max
      ? `must have ${length.max} characters`
      : `must have ${length.min} to ${length.max} characters`;
  }
  return null;
}

export function checkCardNumber(cardNumber: string): string | null {
  return /^\d{12,19}$/u.test(cardNumber) ? null : 'must have 12 to 19 digits';
}

/**
 * Does not check assigned prefixes: such lists become outdated, and a sample in a provider's documentation
 * is outside of them.
 */
export function checkPhone(phone: string): string | null {
  return /^1[3-9]\d{9}$/u.test(phone) ? null : 'must be a mainland mobile number of 11 digits';
}

/** Standard base64 with padding, no data: prefix (RFC 4648). `maxLength` counts encoded bytes. */
export function checkBase64Image(image: string, maxLength: number): string | null {
  if (image.length > maxLength) {
    return `must have at most ${Math.floor(maxLength / 1024 / 1024)} MB, base64 included`;
  }
  if (image.startsWith('data:')) return 'must not have a data: prefix';
  if (!isBase64(image)) return 'must be standard base64 with padding';
  return null;
}

/**
 * The check digit of an 18-character resident number (ISO 7064 MOD 11-2, GB 11643-1999), and whether its
 * birth date exists. Numbers of other lengths have no check digit and pass.
 */
export function checkIdNumberChecksum(idNumber: string, nowMs: number): string | null {
  if (idNumber.length !== 18) return null;
  if (!/^\d{17}[\dX]$/u.test(idNumber)) return 'is not a resident ID number';
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = weights.reduce((total, weight, at) => total + weight * Number(idNumber[at]), 0);
  if ('10X98765432'[sum % 11] !== idNumber[17]) return 'has a wrong check digit';
  return birthDateOf(idNumber, nowMs) ? null : 'has a birth date that does not exist';
}

/**
 * Checks a minimum age, which is reached on the birthday in China's time zone. A number without a readable
 * birth date passes.
 */
export function checkAge(idNumber: string, leastYears: number, nowMs: number): string | null {
  const birth = birthDateOf(idNumber, nowMs);
  if (!birth) return null;
  const chinaOffsetMs = 8 * 3600 * 1000;
  // As numbers such as 20261122, so that a birthday on 29 February needs no special case.
  const toNumber = (date: Date): number =>
    Number(date.toISOString().slice(0, 10).replaceAll('-', ''));
  const isOldEnough =
    toNumber(birth) + leastYears * 10_000 <= toNumber(new Date(nowMs + chinaOffsetMs));
  return isOldEnough ? null : `must be that of a person aged ${leastYears} or older`;
}

/** The birth date inside an 18-character number; null if there is no such date. */
function birthDateOf(idNumber: string, nowMs: number): Date | null {
  if (!/^\d{17}[\dX]$/u.test(idNumber)) return null;
  const year = Number(idNumber.slice(6, 10));
  const month = Number(idNumber.slice(10, 12));
  const day = Number(idNumber.slice(12, 14));
  const birth = new Date(Date.UTC(year, month - 1, day));
  const isReal =
    year >= 1900 &&
    birth.getUTCMonth() === month - 1 &&
    birth.getUTCDate() === day &&
    birth.getTime() <= nowMs;
  return isReal ? birth : null;
}

/** Luhn (ISO/IEC 7812-1). Some old mainland cards do not follow it. */
export function checkLuhn(cardNumber: string): string | null {
  let sum = 0;
  for (let at = 0; at < cardNumber.length; at++) {
    const digit = Number(cardNumber[cardNumber.length - 1 - at]);
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0 ? null : 'has a wrong check digit';
}

/** The length in code points, as people count characters, not in UTF-16 units. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}

/**
 * Searches for a wrong character, because matching one regular expression over 8 MB would overflow its
 * stack.
 */
function isBase64(text: string): boolean {
  if (text === '' || text.length % 4 !== 0) return false;
  const body = text.replace(/={1,2}$/u, '');
  return !/[^A-Za-z0-9+/]/u.test(body);
}
