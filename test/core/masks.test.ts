import { describe, expect, it } from 'vitest';
import { maskName, maskNumber } from '../../src/core/identity/masks.ts';

describe('a masked name', () => {
  it.each([
    ['韦小宝', '韦*宝'],
    ['韦宝', '韦*'],
    ['韦', '*'],
    ['欧阳娜娜', '欧**娜'],
    ['阿卜杜拉·买买提', '阿******提'],
    ['𠮷野家', '𠮷*家'],
    ['JOHN RONALD SMITH', 'J*** R***** S****'],
    ['Anne-Marie O’Hara', 'A***-M**** O*****'],
    ['X Æ', '* *'],
    ['Zoe\u0308 Q', 'Z** *'],
    ['', ''],
  ])('of %s is %s', (name, mask) => {
    expect(maskName(name)).toBe(mask);
  });
});

describe('a masked number', () => {
  it.each([
    ['11204416541220243X', '112***********243X'],
    ['110105900307203', '110********7203'],
    ['A000000(0)', 'A******(0)'],
    ['G12345678', 'G*****678'],
    ['1234567', '*****67'],
    ['123', '***'],
    ['', ''],
  ])('of %s is %s', (number, mask) => {
    expect(maskNumber(number)).toBe(mask);
  });
});
