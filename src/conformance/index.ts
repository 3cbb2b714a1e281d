import { brokenAnswersGroup } from './groups/broken-answers.ts';
import { channelsAndActionsGroup } from './groups/channels-and-actions.ts';
import { chargingGroup } from './groups/charging.ts';
import { deadlineGroup } from './groups/deadline.ts';
import { definitionGroup, findDefinitionMistakes } from './groups/definition.ts';
import { notificationsGroup } from './groups/notifications.ts';
import { privacyGroup } from './groups/privacy.ts';
import { recordedAnswersGroup } from './groups/recorded-answers.ts';
import { sandboxGroup } from './groups/sandbox.ts';
import { sdlGroup } from './groups/sdl.ts';
import { settingsGroup, takesItsSettings } from './groups/settings.ts';
import { unknownCodesGroup } from './groups/unknown-codes.ts';
import { group, type Group, type GroupName } from './group.ts';
import type { ConformanceSubject } from './subject.ts';

export type { GroupName } from './group.ts';
export type * from './subject.ts';

/** The functions that every test runner offers: vitest, node:test, jest. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  /** `node:test` ignores the third argument. It has no time limit by itself. */
  readonly it: ((name: string, body: () => Promise<void>, timeoutMs: number) => unknown) & {
    readonly skip: (name: string, body: () => Promise<void>) => unknown;
  };
}

/** Composing a supergraph takes more than the 5 s of vitest and jest on a busy machine. */
const checkTimeoutMs = 60_000;

/**
 * Registers the conformance suite as tests: `testProvider({ describe, it }, subject)`.
 *
 * A group with nothing to check states the reason in the name of a skipped test and in the output.
 */
export function testProvider({ describe, it }: TestRunner, subject: ConformanceSubject): void {
  describe(`conformance of ${subject.provider.id}`, () => {
    for (const { name, checks } of groupsOf(subject)) {
      describe(name, () => {
        for (const check of checks) {
          if ('run' in check) {
            it(check.title, async () => check.run(), checkTimeoutMs);
          } else {
            // Most runners show only the number of skipped tests.
            // oxlint-disable-next-line no-console
            console.info(
              `${subject.provider.id}, ${name}, ${check.title}: skipped, ${check.skipped}`,
            );
            it.skip(`${check.title}: skipped, ${check.skipped}`, async () => {});
          }
        }
      });
    }
  });
}

export interface ConformanceReport {
  readonly checks: number;
  readonly failures: readonly {
    readonly group: GroupName;
    readonly check: string;
    readonly message: string;
  }[];
  readonly skipped: readonly { readonly group: GroupName; readonly reason: string }[];
}

/** Runs the conformance suite, or the named groups, without a test runner. */
export async function checkProvider(
  subject: ConformanceSubject,
  { groups: wanted }: { readonly groups?: readonly GroupName[] } = {},
): Promise<ConformanceReport> {
  const failures: { group: GroupName; check: string; message: string }[] = [];
  const skipped: { group: GroupName; reason: string }[] = [];
  let checks = 0;
  const onFloating = (error: unknown): void => {
    const message = `a promise without a handler was rejected: ${String(error)}`;
    failures.push({ group: 'definition', check: 'leaves nothing behind', message });
  };
  process.on('unhandledRejection', onFloating);
  for (const { name, checks: own } of groupsOf(subject)) {
    if (wanted && !wanted.includes(name)) continue;
    for (const check of own) {
      if ('skipped' in check) {
        skipped.push({ group: name, reason: check.skipped });
        continue;
      }
      checks += 1;
      try {
        await check.run();
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        failures.push({ group: name, check: check.title, message });
      }
    }
  }
  process.off('unhandledRejection', onFloating);
  return { checks, failures, skipped };
}

const groups: readonly ((subject: ConformanceSubject) => Group)[] = [
  definitionGroup,
  settingsGroup,
  channelsAndActionsGroup,
  recordedAnswersGroup,
  unknownCodesGroup,
  brokenAnswersGroup,
  deadlineGroup,
  chargingGroup,
  notificationsGroup,
  privacyGroup,
  sandboxGroup,
  sdlGroup,
];

/** If the definition is incomplete, no other group can run. */
function groupsOf(subject: ConformanceSubject): readonly Group[] {
  const isWhole = findDefinitionMistakes(subject.provider).length === 0;
  if (!isWhole) return [definitionGroup(subject)];
  const isSetUp = takesItsSettings(subject);
  return (isSetUp ? groups : [definitionGroup, settingsGroup]).map((make) => {
    try {
      return make(subject);
    } catch (error) {
      // A function of the plugin or of the subject that throws while the suite inspects it.
      return group('definition', [
        {
          title: 'can be inspected',
          run: () => {
            throw error;
          },
        },
      ]);
    }
  });
}
