import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CommandError } from './command-error.ts';

/** Prices of one charge, by provider and action. */
export interface Prices {
  readonly currency: string;
  /** In millionths of the currency; null if the file has no price for it. */
  readonly of: (providerId: string, action: string) => bigint | null;
}

const amount = z.union([z.number().nonnegative(), z.string()]).transform((given, context) => {
  const [, whole = '', part = ''] = /^(\d{1,9})(?:\.(\d{1,6}))?$/u.exec(String(given)) ?? [];
  if (whole === '') {
    context.addIssue('must be an amount such as 0.6, with at most six decimals');
    return z.NEVER;
  }
  return BigInt(whole) * 1_000_000n + BigInt(part.padEnd(6, '0'));
});

const file = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/u, 'must be three capital letters, such as CNY'),
  prices: z.record(z.string(), z.record(z.string(), amount)),
});

/**
 * Prices from a JSON file: `{"currency": "CNY", "prices": {"tencent-cn": {"BankCard4EVerification": 0.6}}}`. Throws
 * `CommandError` with every mistake, by its path.
 */
export function readPrices(path: string): Prices {
  let given: unknown;
  try {
    given = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new CommandError('PRICES_FILE must name a file with JSON.', 1);
  }
  const { data, error } = file.safeParse(given);
  if (error) {
    const lines = error.issues.map(
      ({ path: at, message }) => `PRICES_FILE: ${at.join('.') || 'the file'}: ${message}`,
    );
    throw new CommandError(lines.join('\n'), 1);
  }
  const { currency, prices } = data;
  return { currency, of: (providerId, action) => prices[providerId]?.[action] ?? null };
}

/** Millionths as a decimal number, with two decimals or as many as it needs. */
export function toAmount(millionths: bigint): string {
  const digits = String(millionths).padStart(7, '0');
  const decimals = digits.slice(-6).replace(/0{1,4}$/u, '');
  return `${digits.slice(0, -6)}.${decimals}`;
}
