import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import { settingsTable } from '../../src/boot/settings-table.ts';
import { settingRows } from '../../src/boot/settings.ts';
import { problem, type ProblemCode } from '../../src/core/problem.ts';
import { limits } from '../../src/graphql/limits.ts';
import { errorTexts } from '../../src/graphql/mask-error.ts';

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The rows of a Markdown table whose first cell is code. */
function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

/** The values of an enum of schema/problem.graphql. */
function valuesOf(name: string): readonly string[] {
  const sdl = read('schema/problem.graphql');
  const [, values = ''] = new RegExp(`enum ${name} \\{([\\s\\S]*?)\\n\\}`, 'u').exec(sdl) ?? [];
  return values.match(/^ {2}[A-Z_]+$/gmu)?.map((value) => value.trim()) ?? [];
}

describe('docs/', () => {
  it('lists every top-level error with its text', () => {
    const [, rest = ''] = read('docs/errors.md').split('## Top-level errors');
    const [table = '', limitTable = ''] = rest.split('## Limits');
    expect(
      Object.fromEntries(rows(limitTable).map(([name, most]) => [name, Number(most)])),
    ).toEqual(limits);
    expect(Object.fromEntries(rows(table))).toEqual(errorTexts);
  });

  it('lists every problem with its retry and billing', () => {
    const [table = ''] = read('docs/errors.md').split('### Whose limit');
    const listed = rows(table);
    for (const [code, retry, billing] of listed) {
      expect(problem(code as ProblemCode)).toMatchObject({ retry, billing });
    }
    expect(listed.map(([code]) => code)).toEqual(valuesOf('VerificationProblemCode'));
  });

  it('lists whose limit can refuse a request', () => {
    const [, rest = ''] = read('docs/errors.md').split('### Whose limit');
    const [table = ''] = rest.split('## Top-level errors');
    expect(rows(table).map(([limit]) => limit)).toEqual(valuesOf('VerificationLimit'));
  });

  it('lists every setting with its description', () => {
    const [, table = ''] = read('docs/settings.md').split('<!-- settings:start -->');
    const [listed = ''] = table.split('<!-- settings:end -->');
    expect(rows(listed)).toEqual(rows(settingsTable()));
    expect(rows(listed).length).toBe(settingRows.length);
    expect(settingRows.length).toBeGreaterThan(25);
  });

  it('names every action of a provider in its README', () => {
    for (const { id, actions } of builtInProviders) {
      const readme = read(`providers/${id}/README.md`);
      for (const action of Object.keys(actions)) expect(readme).toContain(action);
    }
  });
});
