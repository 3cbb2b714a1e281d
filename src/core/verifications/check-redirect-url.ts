/** The origins that a browser may be redirected to. */
export interface RedirectRules {
  /** Null: any origin, in the sandbox only. */
  readonly origins: ReadonlySet<string> | null;
  /** Allows plain http for localhost, for development. */
  readonly allowLocalhost: boolean;
}

const maxLength = 1024;

/** What is wrong with a caller's `redirectUrl`, or null. */
export function checkRedirectUrl(text: string, rules: RedirectRules): string | null {
  if (text.length > maxLength) return `must have at most ${maxLength} characters`;
  // The URL parser corrects these silently, and browsers correct them differently.
  if (!/^[\u0021-\u007e]+$/u.test(text) || text.includes('\\')) {
    return 'must hold no blanks, backslashes, control or non-ASCII characters';
  }
  if (!/^https?:\/\/[^/]/iu.test(text) || !URL.canParse(text)) {
    return 'must be an absolute https URL';
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'must not contain user information';
  if (url.searchParams.has('verificationId')) return 'must not have a verificationId of its own';
  const isLocalhost = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(isLocalhost && rules.allowLocalhost)) {
    return rules.allowLocalhost
      ? 'must be an https URL, or an http URL of localhost'
      : 'must be an https URL';
  }
  if (rules.origins === null) return null;
  return rules.origins.has(url.origin) ? null : 'must be on an origin of REDIRECT_ORIGINS';
}
