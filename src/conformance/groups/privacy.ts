import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { OutcomeAnswer } from '../../contract/index.ts';
import type { Bench } from '../create-bench.ts';
import { group, skip, type Check, type Group } from '../group.ts';
import { secretNames } from '../secret-settings.ts';
import type { ConformanceSubject, StartCase } from '../subject.ts';
import { onEach } from './channels-and-actions.ts';

/** Values shorter than this, such as a digit, can occur elsewhere by chance. */
const shortestLength = 2;
const shortestOption = 16;

/** The personal data of a case may appear in requests to the provider only. */
export function privacyGroup(subject: ConformanceSubject): Group {
  const personal = personalOf(subject);
  if (personal.length === 0) return skip('privacy', 'the cases contain no personal data');
  const places: readonly (readonly [string, (bench: Bench, printed: string) => string])[] = [
    ['logs', ({ logLines }) => logLines.join('')],
    ['what is printed', (_bench, printed) => printed],
    ['what is stored unencrypted, or as a key', ({ keptTexts }) => keptTexts.join('')],
    ['sessions', ({ observed }) => text(observed.started.map(({ session }) => session))],
    ['launches', ({ observed }) => text(observed.started.map(({ launch }) => launch))],
    [
      'URLs that are called',
      ({ upstream }) => upstream.received.map(({ path }) => path).join('\n'),
    ],
    [
      'outcomes',
      ({ observed }) => text([observed.outcomes.map(withoutIdentity), observed.cardResults]),
    ],
    ['faults', ({ observed }) => text(observed.thrown)],
  ];
  return group(
    'privacy',
    places.map(([place, textOf]): Check => ({
      title: `no personal data and no secret in ${place}`,
      run: () =>
        whilePrinting(async (printed) =>
          onEach(subject, async (bench) => {
            const found = textOf(bench, printed());
            for (const [name, value] of secretsOf(subject, bench)) {
              assert.ok(!found.includes(value), `${name} is in ${place}`);
            }
            for (const [what, value] of personal) {
              const isThere = spellingsOf(value).some((each) => found.includes(each));
              assert.ok(!isThere, `${what} is in ${place}`);
            }
          }),
        ),
    })),
  );
}

/** Core stores the member `identity` apart, and only what the caller asked for. */
function withoutIdentity(answer: OutcomeAnswer): unknown {
  return answer.kind === 'ended' ? { ...answer.result, identity: null } : answer;
}

/** What may appear nowhere, by name. */
function secretsOf(
  subject: ConformanceSubject,
  { givenSettings, observed }: Bench,
): readonly Personal[] {
  return [
    ...secretNames(subject, givenSettings).map((name): Personal => [
      `the setting ${name}`,
      givenSettings[name] ?? '',
    ]),
    ...observed.tokens.map((token): Personal => ['an access token', token]),
  ].filter(([, value]) => value !== '');
}

/** The value itself, and its spellings in a URL or a header. */
function spellingsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  return [
    ...[value, value.toUpperCase(), value.toLowerCase()],
    ...[encodeURIComponent(value), new URLSearchParams({ v: value }).toString().slice(2)],
    ...(value.length > 5
      ? [bytes.toString('base64').replace(/=+$/u, ''), bytes.toString('hex')]
      : []),
  ];
}

const printers = ['log', 'info', 'warn', 'error', 'debug'] as const;

/** Collects console output while `work` runs. */
async function whilePrinting(work: (printed: () => string) => Promise<void>): Promise<void> {
  // The suite itself does not write to the console, so any output comes from the plugin.
  // oxlint-disable no-console
  const lines: string[] = [];
  const own = printers.map((name) => [name, console[name]] as const);
  for (const name of printers) console[name] = (...given: unknown[]) => lines.push(text(given));
  try {
    await work(() => lines.join('\n'));
  } finally {
    for (const [name, print] of own) console[name] = print;
  }
  // oxlint-enable no-console
}

function text(values: unknown): string {
  const shown = inspect(values, { depth: 9, maxStringLength: null, maxArrayLength: null });
  return `${JSON.stringify(values)} ${shown}`;
}

type Personal = readonly [what: string, value: string];

function personalOf(subject: ConformanceSubject): readonly Personal[] {
  const { starts = [], bankCards = [], personal = [] } = subject;
  const found: (readonly [string, string | null | undefined])[] = [
    ...starts.flatMap(({ input }) => [
      ['subject.name', input.subject?.name] as const,
      ['subject.idNumber', input.subject?.idNumber] as const,
      ['referenceImage', input.referenceImage] as const,
      ['extra', input.extra] as const,
    ]),
    ...starts.flatMap(longOptionsOf),
    ...bankCards.flatMap(({ input }) => [
      ['subject.name', input.subject?.name] as const,
      ['subject.idNumber', input.subject?.idNumber] as const,
      ['cardNumber', input.cardNumber] as const,
      ['phone', input.phone] as const,
    ]),
    ...personal.map((value) => ['personal data of a recorded response', value] as const),
  ];
  const distinct = new Map<string, string>();
  for (const [what, value] of found) {
    if (value != null && value.length >= shortestLength) distinct.set(value, what);
  }
  return [...distinct].map(([value, what]) => [what, value]);
}

/** Strings that are longer than an enum value: images, and text that a person wrote. */
function longOptionsOf({ input }: StartCase): readonly Personal[] {
  const texts = (value: unknown, path: string): readonly Personal[] => {
    if (typeof value === 'string') {
      const isWord = value.length < shortestOption || /^[A-Z][A-Z0-9_]*$/u.test(value);
      return isWord ? [] : [[path, value]];
    }
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([name, each]) => texts(each, `${path}.${name}`));
  };
  return texts(input.options, 'options');
}
