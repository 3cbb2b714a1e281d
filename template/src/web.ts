import {
  checkName,
  checkText,
  createProblemList,
  isFault,
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

/** What is kept to ask again: no personal data. */
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
      // The provider has forgotten it, and will not say more.
      if (isFault(error, 'session_unknown')) return { kind: 'not_told', chargedAttempts: null };
      throw error;
    }
  },
};

function toOutcome({ state, documentCountry }: Identity): OutcomeAnswer {
  const meaning = Object.hasOwn(states, state) ? states[state] : undefined;
  const { status = 'UNDETERMINED', reason = 'OTHER', message = null } = meaning ?? {};
  if (status === 'PENDING') return { kind: 'pending', chargedAttempts: null };
  return {
    kind: 'ended',
    result: {
      ...{ status, reason, message, code: state },
      similarity: null,
      completedAtMs: null,
      // When the vendor charges is best asked first of all.
      billing: 'UNKNOWN',
      chargedAttempts: null,
      details: { __typename: 'MyProviderWebDetails', documentCountry: documentCountry ?? null },
    },
  };
}
