import assert from 'node:assert/strict';
import { reservedNames } from '../../boot/reserved-names.ts';
import type { AnyProvider } from '../../contract/index.ts';
import { BootError } from '../../core/boot-error.ts';
import { checkDefinitions } from '../../boot/check-definitions.ts';
import { group, type Group } from '../group.ts';
import type { ConformanceSubject } from '../subject.ts';

/** What the service would refuse at startup. */
export function definitionGroup({ provider }: ConformanceSubject): Group {
  return group('definition', [
    {
      title: 'is complete: contract version, id, a limit and an effect for each action',
      run: () => {
        const mistakes = findDefinitionMistakes(provider);
        assert.equal(mistakes.length, 0, mistakes.join(' '));
      },
    },
  ]);
}

export function findDefinitionMistakes(provider: AnyProvider): readonly string[] {
  try {
    checkDefinitions([provider], reservedNames);
    return [];
  } catch (error) {
    if (error instanceof BootError) return error.lines;
    throw error;
  }
}
