import { describe, expect, it } from 'vitest';
import { eidCodes, faceIdCodes, intentionModes } from '../../providers/tencent-cn/mapping.ts';
import { eidTexts, faceIdTexts, intentionTexts } from '../../providers/tencent-cn/texts.ts';
import { webCodes } from '../../providers/tencent-intl/mapping.ts';
import { webTexts } from '../../providers/tencent-intl/texts.ts';
import { failureCodes } from '../../providers/oemcloud/mapping.ts';

describe('the text of a face code', () => {
  it.each([
    ['E证通', eidCodes, eidTexts, ['1401']],
    ['the app SDK', faceIdCodes, faceIdTexts, []],
    ['an intention', intentionModes.NOD.codes, intentionTexts, []],
    ['the international page', webCodes, webTexts, ['-999']],
  ] as const)('of %s is the provider’s, and every text has a code', (_name, codes, texts, none) => {
    const without = Object.entries(codes).flatMap(([code, { message }]) =>
      message === null ? [code] : [],
    );
    expect(without).toEqual(none);
    for (const [code, text] of Object.entries(texts)) expect(codes[code]?.message).toBe(text);
  });

  it('is in the language of the page', () => {
    const mainland = [eidCodes, faceIdCodes, intentionModes.READ_ALOUD.codes, failureCodes];
    for (const { message } of mainland.flatMap((codes) => Object.values(codes))) {
      if (message !== null) expect(message).toMatch(/\p{Script=Han}/u);
    }
    for (const { message } of Object.values(webCodes))
      expect(message ?? '').not.toMatch(/\p{Script=Han}/u);
  });

  // From pages 115318, 101997, 55390 and the page of the face query.
  it.each([
    [eidCodes['2006'], '姓名和身份证号不匹配，请核实身份后重试'],
    [eidCodes['2018'], '操作过于频繁，请第二天0点后重试'],
    [faceIdCodes['1007'], '活体检测失败，命中风控逻辑'],
    [webCodes['1106'], 'The volume of the video is too low'],
    [failureCodes['1445900'], '无法判断为同一人，请确认身份后重试'],
  ])('%# is that of the page', (meaning, text) => {
    expect(meaning?.message).toBe(text);
  });
});
