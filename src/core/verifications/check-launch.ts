import { ProviderFault, type Launch, type OutcomeAnswer } from '../../contract/index.ts';

/**
 * A launch that is safe to hand to a browser. Its URLs are https, in the sandbox also http, and contain no
 * control characters or blanks. An optional URL that is not safe is left out.
 *
 * Throws `ProviderFault('protocol')` if the required URL is not safe.
 */
export function checkLaunch(
  launch: Launch | null,
  { sandbox }: { readonly sandbox: boolean },
): Launch | null {
  if (!launch || launch.kind === 'sdk_token') return launch;
  const orNone = (url: string | undefined): string | undefined =>
    url !== undefined && isSafe(url, sandbox) ? url : undefined;
  const longUrl = orNone(launch.longUrl);
  if (launch.kind === 'mini_program') return { ...launch, url: orNone(launch.url), longUrl };
  if (!isSafe(launch.url, sandbox)) throw new ProviderFault('protocol');
  return { ...launch, longUrl };
}

/**
 * An answer whose launch, if it brings one, is safe and has a usable time, or none. Throws
 * `ProviderFault('protocol')` otherwise.
 */
export function checkAnswer(
  answer: OutcomeAnswer,
  deps: { readonly sandbox: boolean },
): OutcomeAnswer {
  if (answer.kind !== 'pending' || !answer.launch) return answer;
  const { expiresInSeconds, ...rest } = answer;
  const launch = checkLaunch(answer.launch, deps) ?? answer.launch;
  return isLifetime(expiresInSeconds) ? { ...rest, launch, expiresInSeconds } : { ...rest, launch };
}

const mostSeconds = 366 * 24 * 3600;

/** A plugin in JavaScript may return anything. More than a year is probably milliseconds or a date. */
export function isLifetime(seconds: unknown): seconds is number {
  return typeof seconds === 'number' && seconds > 0 && seconds <= mostSeconds;
}

function isSafe(url: string, sandbox: boolean): boolean {
  // The URL parser drops these characters, and a browser may treat them differently.
  if (/[\p{Cc}\p{Z}]/u.test(url) || !URL.canParse(url)) return false;
  const { protocol } = new URL(url);
  return protocol === 'https:' || (sandbox && protocol === 'http:');
}
