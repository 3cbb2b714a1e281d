import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { Bench } from '../create-bench.ts';
import { group, skip, type Check, type Group } from '../group.ts';
import type { ConformanceSubject, StartCase } from '../subject.ts';
import { onEach } from './channels-and-actions.ts';

/** Shorter ones, such as a digit, are found by accident. */
const shortestLength = 2;

/** What a case gives of a person is nowhere but on its way to the provider. */
export function privacyGroup(subject: ConformanceSubject): Group {
  const personal = personalOf(subject);
  if (personal.length === 0) return skip('privacy', 'the cases give nothing of a person');
  const places: readonly (readonly [string, (bench: Bench) => string])[] = [
    ['logs', ({ logLines }) => logLines.join('')],
    ['what is kept in the clear, or as a key', ({ keptTexts }) => keptTexts.join('')],
    ['sessions', ({ observed }) => text(observed.started.map(({ session }) => session))],
    ['launches', ({ observed }) => text(observed.started.map(({ launch }) => launch))],
    ['outcomes', ({ observed }) => text([observed.outcomes, observed.cardResults])],
    ['faults', ({ observed }) => text(observed.thrown)],
  ];
  return group('privacy', [
    ...places.map(([place, textOf]): Check => ({
      title: `nothing personal and no credential in ${place}`,
      run: () =>
        onEach(subject, async (bench) => {
          const found = textOf(bench);
          const secrets = subject.provider.credentials.flatMap(
            (name) => bench.givenSettings[name] ?? [],
          );
          for (const value of secrets) {
            assert.ok(!found.includes(value), `a credential is in ${place}`);
          }
          for (const [what, value] of personal) {
            assert.ok(!found.includes(value), `${what} is in ${place}`);
          }
        }),
    })),
  ]);
}

function text(values: unknown): string {
  return `${JSON.stringify(values)} ${inspect(values, { depth: 9, maxStringLength: null, maxArrayLength: null })}`;
}

type Personal = readonly [what: string, value: string];

function personalOf(subject: ConformanceSubject): readonly Personal[] {
  const { starts = [], bankCards = [], personal = [] } = subject;
  const found: [string, string | null | undefined][] = [
    ...starts.flatMap(({ input }): [string, string | null | undefined][] => [
      ['subject.name', input.subject?.name],
      ['subject.idNumber', input.subject?.idNumber],
      ['referenceImage', input.referenceImage],
    ]),
    ...starts.flatMap((start) => imagesOf(subject, start)),
    ...bankCards.flatMap(({ input }): [string, string | undefined | null][] => [
      ['subject.name', input.subject?.name],
      ['subject.idNumber', input.subject?.idNumber],
      ['cardNumber', input.cardNumber],
      ['phone', input.phone],
    ]),
    ...personal.map((value): [string, string] => ['something personal of an answer', value]),
  ];
  const distinct = new Map<string, string>();
  for (const [what, value] of found) {
    if (value != null && value.length >= shortestLength) distinct.set(value, what);
  }
  return [...distinct].map(([value, what]) => [what, value]);
}

function imagesOf({ provider }: ConformanceSubject, { channel, input }: StartCase) {
  const names = provider.channels[channel]?.imageOptions ?? [];
  const options = (input.options ?? {}) as Readonly<Record<string, unknown>>;
  return names.map((name): [string, string | null] => {
    const value = options[name];
    return [`options.${name}`, typeof value === 'string' ? value : null];
  });
}
