import {
  checkBase64Image,
  checkText,
  createProblemList,
  type ChannelDefinition,
  type FieldProblem,
  type StartInput,
} from 'verification-subgraph/provider';
import { z } from 'zod';
import { createCheck } from './api.ts';
import { documentTypes } from './mapping.ts';
import type { Settings } from './settings.ts';
import { webhook } from './webhook.ts';

const optionsSchema = z.strictObject({
  type: z.enum(['PASSPORT', 'ID_CARD', 'DRIVING_LICENCE']),
  country: z.string(),
  front: z.string(),
  back: z.string().nullish(),
});

type Options = z.output<typeof optionsSchema>;

const maxImageLength = 4 * 1024 * 1024;
/** The vendor answers within minutes, and guarantees one hour. */
const answersWithinSeconds = 3600;

/** Checks a document by its photos: checks/create, then a webhook. No person opens a page. */
export const document: ChannelDefinition<Settings> = {
  action: 'checks/create',
  checks: ['DOCUMENT'],
  requires: ['options.doclensDocument'],
  imageOptions: ['front', 'back'],
  outcome: 'NOTIFICATION',
  optionsField: 'doclensDocument',
  pollEveryMs: 5000,
  graceSeconds: 300,
  retentionSeconds: 24 * 3600,

  prepare: (input) => {
    if (input.options === null) {
      return { problems: [{ path: 'options.doclensDocument', message: 'is needed' }] };
    }
    const options = optionsSchema.parse(input.options);
    const problems = findProblems(input, options);
    if (problems.length > 0) return { problems };
    return {
      checks: document.checks,
      start: async (call, { reference }) => {
        const checkId = await createCheck(call, {
          reference,
          type: documentTypes[options.type].name,
          country: options.country,
          front: options.front,
          back: options.back ?? null,
          note: input.extra,
        });
        return { launch: null, session: { checkId }, expiresInSeconds: answersWithinSeconds };
      },
    };
  },

  // The vendor offers no query.
  notification: webhook,
};

function findProblems(
  { subject, referenceImage, extra, hasRedirectUrl }: StartInput,
  { type, country, front, back }: Options,
): readonly FieldProblem[] {
  const problems = createProblemList();
  const at = (field: keyof Options): string => `options.doclensDocument.${field}`;
  const unused = 'is not used by doclens';
  if (subject.name !== null) problems.add('subject.name', unused);
  if (subject.idNumber !== null) problems.add('subject.idNumber', unused);
  if (referenceImage !== null) problems.add('referenceImage', unused);
  if (hasRedirectUrl) problems.add('redirectUrl', unused);
  if (extra !== null) problems.add('extra', checkText(extra, 200));

  problems.add(at('country'), /^[A-Z]{3}$/u.test(country) ? null : 'must be of ISO 3166-1 alpha-3');
  problems.add(at('front'), checkBase64Image(front, maxImageLength));
  const { hasBack } = documentTypes[type];
  if (back != null) {
    problems.add(at('back'), hasBack ? checkBase64Image(back, maxImageLength) : unused);
  } else if (hasBack) {
    problems.add(at('back'), `is needed for ${type}`);
  }
  return problems.all;
}
