import assert from 'node:assert/strict';
import { z } from 'zod';
import {
  documentKinds,
  identitySources,
  mediaKinds,
  pendingPhases,
  type BankCardResult,
  type OutcomeAnswer,
  type Started,
} from '../contract/index.ts';

// The shapes that a plugin may return, whatever a case expects. TypeScript checks them; JavaScript does
// not.

const billing = z.enum(['CHARGED', 'NOT_CHARGED', 'UNKNOWN']);
const reason = z.string().regex(/^[A-Z][A-Z0-9_]*$/u);
const attempts = z.int().min(0).nullable();
/** Finds times in seconds, and times in the far future. */
const moment = z.number().min(Date.UTC(2000)).max(Date.UTC(2200));

const known = z.string().nullable();
const identity = z.strictObject({
  source: z.enum(identitySources),
  name: known,
  idNumber: known,
  personCode: known,
  document: z
    .strictObject({
      kind: z.enum(documentKinds),
      issuingRegion: known,
      number: known,
      birthDate: known,
      expiresOn: known,
    })
    .nullable(),
});
/** A recording itself would be stored, so only its address is taken. */
const media = z.strictObject({
  kind: z.enum(mediaKinds),
  address: z.url({ protocol: /^https$/u }),
});

const result = z.strictObject({
  status: z.enum(['PASSED', 'FAILED', 'EXPIRED', 'CANCELLED', 'UNDETERMINED']),
  code: z.string().nullable(),
  reason,
  message: z.string().nullable(),
  similarity: z.number().min(0).max(100).nullable(),
  completedAtMs: moment.nullable(),
  billing,
  chargedAttempts: attempts,
  details: z.looseObject({ __typename: z.string() }).nullable(),
  identity: identity.nullish(),
  media: z.array(media).optional(),
});

const text = z.string().min(1);
/** The person's browser opens this URL, so it may not be a script, nor unencrypted HTTP. */
const url = z
  .url()
  .refine(
    (given) => /^(?!javascript:|data:|http:\/\/(?!localhost|127\.|\[::1\]))/iu.test(given),
    'must be an https URL or an app link',
  );
const launch = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('redirect'),
    url,
    longUrl: url.optional(),
    token: text.optional(),
  }),
  z.strictObject({
    kind: z.literal('sdk_token'),
    token: text,
    clientConfig: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('mini_program'),
    token: text,
    url: url.optional(),
    longUrl: url.optional(),
  }),
]);

const outcome = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('pending'),
      chargedAttempts: attempts.optional(),
      launchUsed: z.boolean().optional(),
      launch: launch.optional(),
      expiresInSeconds: z.number().positive().optional(),
      phase: z.enum(pendingPhases).optional(),
    })
    .refine(
      (given) => given.expiresInSeconds === undefined || given.launch !== undefined,
      'expiresInSeconds is the time of a launch, and there is none',
    ),
  z.strictObject({ kind: z.literal('not_told'), chargedAttempts: attempts.optional() }),
  z.strictObject({ kind: z.literal('ended'), result }),
]);

const mostSessionLength = 4096;
const session = z
  .record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean(), z.null()], 'must be flat: text, number, boolean'),
  )
  .refine((given) => JSON.stringify(given).length <= mostSessionLength, 'must be small');

const cardResult = z.strictObject({
  outcome: z.enum([
    'MATCHED',
    'MISMATCHED',
    'CARD_UNUSABLE',
    'INPUT_REFUSED',
    'NOT_PERFORMED',
    'UNDETERMINED',
  ]),
  reason,
  code: z.string().nullable(),
  message: z.string().nullable(),
  billing,
  possibleAgainAtMs: z.number().nullish(),
});

export function assertSoundOutcome(given: OutcomeAnswer): void {
  assertShape(outcome, given, 'the outcome');
}

export function assertSoundCardResult(given: BankCardResult): void {
  assertShape(cardResult, given, 'the result');
}

export function assertSoundStart(given: Started, retentionSeconds: number): void {
  const started = z
    .strictObject({
      launch: launch.nullable(),
      launchFollows: z.boolean().optional(),
      session,
      expiresInSeconds: z.number().positive().max(retentionSeconds),
      flowId: text.optional(),
      outcome: outcome.optional(),
    })
    .refine(
      (each) => each.launchFollows !== true || (each.launch === null && !each.outcome),
      'launchFollows is for a start that has neither a launch nor an outcome yet',
    );
  assertShape(started, given, 'what it starts');
}

function assertShape(schema: z.ZodType, given: unknown, what: string): void {
  const issues = schema.safeParse(given).error?.issues ?? [];
  const said = issues.map(
    ({ path, message }) => `${[what, ...path].map(String).join('.')}: ${message}`,
  );
  assert.deepEqual(said, [], said.join('; '));
}
