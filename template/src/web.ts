import {
  checkName,
  checkText,
  createProblemList,
  ended,
  isFault,
  lookUp,
  type ChannelDefinition,
  type OutcomeAnswer,
} from 'verification-subgraph/provider';
import { z } from 'zod';
import { createIdentity, getIdentity, type Identity } from './api.ts';
import { states } from './mapping.ts';
import type { Settings } from './settings.ts';

const languages = { EN: 'en', ZH: 'zh' } as const;

/** As schema.ts types them; GraphQL has checked them already. */
const optionsSchema = z.strictObject({ language: z.enum(['EN', 'ZH']).nullish() });

/** Stored for later queries. It contains no personal data. */
const sessionSchema = z.object({ id: z.string() });

/** The web page: createIdentity, then getIdentity. */
export const web: ChannelDefinition<Settings> = {
  action: 'createIdentity',
  checks: ['DOCUMENT', 'LIVENESS', 'FACE_MATCH'],
  requires: ['subject.name'],
  outcome: 'QUERY',
  optionsField: 'myProviderWeb',
  pollEveryMs: 1000,
  graceSeconds: 60,
  retentionSeconds: 3 * 24 * 3600,

  prepare: ({ subject, referenceImage, extra, options }) => {
    const { language } = optionsSchema.parse(options ?? {});
    const { name } = subject;
    const problems = createProblemList();
    problems.add('subject.name', name === null ? 'is needed' : checkName(name, 100));
    if (subject.idNumber !== null) problems.add('subject.idNumber', 'is not used by my-provider');
    if (referenceImage !== null) problems.add('referenceImage', 'is not used by my-provider');
    if (extra !== null) problems.add('extra', checkText(extra, 200));
    if (problems.all.length > 0) return { problems: problems.all };

    return {
      checks: web.checks,
      start: async (call, { returnUrl }) => {
        const { id, url, expiresInSeconds } = await createIdentity(call, {
          fullName: name ?? '',
          returnUrl,
          language: languages[language ?? 'EN'],
          reference: extra,
        });
        return { launch: { kind: 'redirect', url }, session: { id }, expiresInSeconds };
      },
    };
  },

  fetchOutcome: async (call, session) => {
    const { id } = sessionSchema.parse(session);
    try {
      return toOutcome(await getIdentity(call, id));
    } catch (error) {
      // The provider no longer has the result.
      if (isFault(error, 'session_unknown')) return { kind: 'not_told' };
      throw error;
    }
  },
};

function toOutcome({ state, documentCountry }: Identity): OutcomeAnswer {
  const details = {
    __typename: 'MyProviderWebDetails',
    documentCountry: documentCountry ?? null,
  };
  const meaning = lookUp(states, state);
  // Without billing it is UNKNOWN. Ask the vendor first when it charges.
  if (!meaning) return ended({ code: state, details });
  const { status, reason, message } = meaning;
  if (status === 'PENDING') return { kind: 'pending' };
  return ended({ status, reason, message, code: state, details });
}
