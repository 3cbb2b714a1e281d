import { describe, expect, it } from 'vitest';
import { tencentCn } from '../../providers/tencent-cn/index.ts';
import { eidCodes, faceIdCodes } from '../../providers/tencent-cn/mapping.ts';

// Written from the vendor's documents (facts of 2026-11-22), not from the plugin: code: status.
const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

const eidDocument = {
  PASSED: [0],
  UNDETERMINED: [
    ...[1, 2, 3, 4, 8, 10, 12, 13, 14, 201, 202, 203, 204, 1001, 1006, 1008, 2001, 2018],
  ],
  EXPIRED: [15],
  PENDING: [17],
  FAILED: [
    ...[16, 301, 302, 303, 1002, 1003, 1004, 1005, 1007, 1301, 1302, 1303, 1401],
    ...range(1101, 1109),
    ...range(1201, 1210),
    ...range(2002, 2016),
  ],
};

const faceIdDocument = {
  PASSED: [0],
  UNDETERMINED: [2, 3, 4, 7, 8, 14, 2001, 2017],
  EXPIRED: [15, 19],
  PENDING: [17],
  FAILED: [
    ...[1001, 1003, 1004, 1005, 1202, 1007],
    ...[2002, 2003, 2004, 2005, 2006, 2007, 2009, 2011, 2012, 2013, 2014, 2015, 2016],
  ],
};

function byStatus(table: typeof eidCodes): Record<string, number[]> {
  const grouped: Record<string, number[]> = {};
  for (const [code, { status }] of Object.entries(table)) {
    (grouped[status] ??= []).push(Number(code));
  }
  for (const codes of Object.values(grouped)) codes.sort((a, b) => a - b);
  return grouped;
}

function sorted(document: Record<string, number[]>): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(document).map(([status, codes]) => [status, codes.toSorted((a, b) => a - b)]),
  );
}

function chargedOf(table: typeof eidCodes): number[] {
  return Object.entries(table)
    .filter(([, { charged }]) => charged)
    .map(([code]) => Number(code))
    .sort((a, b) => a - b);
}

describe('tencent-cn: tables', () => {
  it('hold every documented E证通 code, of which 0, 2006 and 2016 are charged', () => {
    expect(byStatus(eidCodes)).toEqual(sorted(eidDocument));
    expect(chargedOf(eidCodes)).toEqual([0, 2006, 2016]);
  });

  it('hold every documented app SDK code with its charge', () => {
    expect(byStatus(faceIdCodes)).toEqual(sorted(faceIdDocument));
    expect(chargedOf(faceIdCodes)).toEqual([
      0, 2006, 2007, 2009, 2011, 2012, 2013, 2014, 2015, 2016,
    ]);
  });

  it('use only reasons of the schema', async () => {
    const { readFile } = await import('node:fs/promises');
    const sdl = await readFile(new URL('../../schema/subgraph.graphql', import.meta.url), 'utf8');
    const [, body = ''] = /enum VerificationOutcomeReason \{([\s\S]*?)\n\}/u.exec(sdl) ?? [];
    const values = new Set(body.match(/^ {2}[A-Z_]+$/gmu)?.map((value) => value.trim()));
    for (const { reason } of [...Object.values(eidCodes), ...Object.values(faceIdCodes)]) {
      expect(values).toContain(reason);
    }
  });

  it('declare the effect and the rate limit of each action', () => {
    const declared = Object.entries(tencentCn.actions).map(([name, { effect, perSecond }]) => [
      name,
      effect,
      perSecond,
    ]);
    expect(declared).toEqual([
      ['GetEidToken', 'free_start', 100],
      ['CheckEidTokenStatus', 'read', 2000],
      ['GetEidResult', 'read', 100],
      ['GetFaceIdToken', 'free_start', 100],
      ['GetFaceIdResult', 'read', 100],
      ['DetectAuth', 'free_start', 100],
      ['GetDetectInfoEnhanced', 'read', 100],
      ['BankCard2EVerification', 'may_charge', 20],
      ['BankCardVerification', 'may_charge', 20],
      ['BankCard4EVerification', 'may_charge', 20],
    ]);
  });
});
