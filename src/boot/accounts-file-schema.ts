import { z } from 'zod';
import { isLoopback } from '../core/is-loopback.ts';
import { defaultAccount } from '../core/upstream/registry.ts';
import type { VelocityRule } from '../ports/index.ts';
import { isOrigin, readRule } from './read-setting-values.ts';

// The form of the file of ACCOUNTS_FILE; docs/accounts.md describes it.

const accountName = z
  .string()
  .regex(/^[a-z][\da-z-]{0,31}$/u, 'must be a name of a-z, 0-9 and -')
  .refine((name) => name !== defaultAccount, 'is the account of the environment');

const source = z.union(
  [
    z.strictObject({ command: z.tuple([z.string().min(1)], z.string()) }),
    z.strictObject({ file: z.string().min(1) }),
    z.strictObject({
      url: z.string().refine(isLoopback, 'must be the URL of a loopback address'),
    }),
  ],
  'must be {command: [program, argument, …]}, {file: path} or {url: of a loopback address}',
);

/** The settings themselves are checked by the schema of the plugin. */
export const accountSchema = z
  .object({ credentialSource: source.optional(), sharesLimitsWith: accountName.optional() })
  .catchall(z.union([z.string(), z.number(), z.boolean()], 'must be a text or a number'));

const rule = z.string().transform((text, context): VelocityRule => readRule(text, context));
const days = z.number('must be a number of days').positive('must be above 0').max(3650);

export const tenantSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(80)
    .regex(/^\P{C}*$/u, 'must not have control characters')
    .optional(),
  accounts: z
    .record(
      z.string(),
      z.union([
        z.string(),
        z
          .array(
            z.strictObject({ account: z.string(), for: z.array(z.string()).min(1).optional() }),
          )
          .min(1),
      ]),
    )
    .optional(),
  providers: z.array(z.string()).min(1).optional(),
  jurisdictions: z
    .array(z.enum(['CN', 'INTL'], 'must be CN or INTL'))
    .min(1)
    .optional(),
  routing: z.record(z.string(), z.array(z.string()).min(1)).optional(),
  shares: z
    .record(z.string(), z.record(z.string(), z.number('must be percent').min(0).max(100)))
    .optional(),
  weight: z.number().positive('must be above 0').max(100, 'must be at most 100').optional(),
  redirectOrigins: z
    .array(z.string().refine(isOrigin, 'must be an origin such as https://app.example.com'))
    .min(1)
    .optional(),
  identity: z.enum(['NONE', 'MASKED', 'FULL'], 'must be NONE, MASKED or FULL').optional(),
  requireConsent: z.boolean('must be true or false').optional(),
  retention: z
    .strictObject({
      days: days.optional(),
      personalDays: days.optional(),
      cardCacheSeconds: z.number().min(0, 'must not be negative').optional(),
    })
    .optional(),
  limits: z
    .strictObject({
      user: rule.optional(),
      card: rule.optional(),
      idNumber: rule.optional(),
      dailyChargeable: z.int('must be a whole number').positive('must be above 0').optional(),
      quotaShare: z.number().positive('must be above 0').max(1, 'must be at most 1').optional(),
    })
    .optional(),
  // `readTenantWebhooks` checks them.
  webhooks: z.record(z.string(), z.looseObject({})).optional(),
  languages: z
    .array(z.enum(['zh', 'en'], 'must be zh or en'))
    .min(1, 'must name a language')
    .optional(),
});

export const accountsFileSchema = z.strictObject({
  accounts: z.record(z.string(), z.record(accountName, accountSchema)).default({}),
  tenants: z.record(z.string().min(1).max(255), tenantSchema).default({}),
});

export type AccountsFileForm = z.output<typeof accountsFileSchema>;

/** A line about what zod has found. */
export function fromIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return toMistake(
      issue.path,
      `has unknown members: ${issue.keys.map((key) => toShown(key, issue.path.length, [...issue.path, key])).join(', ')}`,
    );
  }
  return toMistake(issue.path, issue.code === 'invalid_key' ? 'is no name' : issue.message);
}

/** A line with the path in the file, and without a value. */
export function toMistake(path: readonly PropertyKey[], message: string): string {
  const shown = path.length === 0 ? 'the file' : path.map(toShown).join('.');
  return `ACCOUNTS_FILE: ${shown}: ${message.replace(/\.$/u, '')}.`;
}

/** A name is shown if it is one. Something else may be a value in the wrong place. */
function toShown(name: PropertyKey, at: number, path: readonly PropertyKey[]): string {
  const isSetting = path[0] === 'accounts' && at === 3;
  const pattern = isSetting
    ? /^(?:[A-Z][A-Z\d_]*|credentialSource|sharesLimitsWith)$/u
    : /^\w[\w-]{0,31}$/u;
  return name === '*' || pattern.test(String(name)) ? String(name) : '…';
}

/** Names that objects treat in a way of their own. They would be left out without a word. */
export function findForbiddenNames(given: unknown): readonly string[] {
  if (typeof given !== 'object' || given === null) return [];
  const isForbidden = Object.hasOwn(given, '__proto__');
  const own = isForbidden ? [toMistake([], 'has a name that is not allowed: __proto__')] : [];
  return [...own, ...Object.values(given).flatMap(findForbiddenNames)].slice(0, 1);
}
