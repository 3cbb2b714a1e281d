import type { ConformanceSubject } from './subject.ts';

/** Settings that name an account but grant no access. */
const identifiers = /^(?:APP|CLIENT|ACCOUNT|MERCHANT|PARTNER|USER)_ID$/u;
const secrets = /(?:^|_)(?:KEY|SECRET|TOKEN|PASSWORD)(?:_|$)/u;

/** Settings whose values must not appear anywhere: credentials, and settings that are named like one. */
export function secretNames(
  { provider }: Pick<ConformanceSubject, 'provider'>,
  given: Readonly<Record<string, string>>,
): readonly string[] {
  return Object.keys(given).filter(
    (name) =>
      !identifiers.test(name) &&
      !name.includes('PUBLIC') &&
      (provider.credentials.includes(name) || secrets.test(name)),
  );
}
