import { describe, expect, it } from 'vitest';
import {
  checkBase64Image,
  checkIdNumberChecksum,
  checkLuhn,
  checkName,
  checkPhone,
  normaliseCardNumber,
  normaliseIdNumber,
  normaliseName,
  normalisePhone,
} from '../../src/contract/index.ts';

const now = Date.UTC(2026, 10, 22);

describe('input checks', () => {
  it.each(['440305199505132561', '320926195511175276', '11010519491231002X', '810000199408230021'])(
    'accept the check digit of %s',
    (number) => expect(checkIdNumberChecksum(number, now)).toBeNull(),
  );

  // The first is the main sample of the providers' own pages: why the check is not strict by default.
  it.each(['11204416541220243X', '621103145623471011', '440111111111111111', '66976520771220835X'])(
    'flag %s',
    (number) => expect(checkIdNumberChecksum(number, now)).not.toBeNull(),
  );

  it('accept other documents, which have no check digit', () => {
    expect(checkIdNumberChecksum('H12345678', now)).toBeNull();
  });

  it.each([
    ['6225768888888888', true],
    ['6226090210146748', true],
    ['6214865712375011', false],
  ])('apply the Luhn check to %s', (number, good) => expect(checkLuhn(number) === null).toBe(good));

  it('normalise what people type', () => {
    expect(normaliseIdNumber(' 1120 4416541220243x ')).toBe('11204416541220243X');
    expect(normaliseIdNumber('１１２０')).toBe('1120');
    expect(normaliseCardNumber('6225-7688 8888\u00a08888')).toBe('6225768888888888');
  });

  it.each([
    ...['+86 161-3768-8175', '0086 16137688175', '161 3768 8175', '8616137688175', '016137688175'],
    ...[
      '(+86)161.3768.8175',
      '+86 (161) 3768-8175',
      '161–3768–8175',
      '161/3768/8175',
      '＋８６ １６１３７６８８１７５',
    ],
  ])('accept a mainland mobile number written as %s', (phone) => {
    expect(normalisePhone(phone)).toBe('16137688175');
    expect(checkPhone(normalisePhone(phone))).toBeNull();
  });

  it.each([
    '12137688175',
    '1613768817',
    '161376881755',
    '+852 61376881',
    '86161376881',
    '161-3768-817x',
  ])('refuse %s as a mainland mobile number', (phone) =>
    expect(checkPhone(normalisePhone(phone))).not.toBeNull(),
  );

  it('drop what is copied with a number without being seen', () => {
    const unseen = [
      ...[0x00ad, 0x034f, 0x061c, 0x115f, 0x17b4, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f],
      ...[0x202a, 0x202c, 0x202d, 0x202e, 0x2060, 0x2064, 0x2066, 0x2069, 0x206f, 0x3164, 0xfe00],
      ...[0xfe0f, 0xfeff, 0xffa0, 0xe0001, 0xe0100],
    ];
    for (const code of unseen) {
      const mark = String.fromCodePoint(code);
      const name = code.toString(16);
      expect(normalisePhone(`${mark}1613768${mark}8175${mark}`), name).toBe('16137688175');
      expect(normaliseIdNumber(`1120441654${mark}1220243x${mark}`), name).toBe(
        '11204416541220243X',
      );
      expect(normaliseCardNumber(`62257688${mark}88888888`), name).toBe('6225768888888888');
    }
  });

  it('refuse in a name what is not seen, and a dot at its ends', () => {
    const unseen = [
      0x034f, 0x115f, 0x17b4, 0x180b, 0x200b, 0x2800, 0x3164, 0xfe00, 0xffa0, 0xe0100,
    ];
    for (const code of unseen) {
      const mark = String.fromCodePoint(code);
      for (const name of [mark, `韦${mark}小宝`, `阿卜杜拉·${mark}买买提`]) {
        expect(checkName(normaliseName(name)), code.toString(16)).toContain('invisible');
      }
    }
    expect(checkName(normaliseName('·买买提'))).toBe('must not begin or end with a dot');
    expect(checkName(normaliseName('买买提・'))).toBe('must not begin or end with a dot');
  });

  it('take time in proportion to the length of a name', () => {
    const cpuOf = (length: number): number => {
      const from = process.cpuUsage();
      for (const blank of [' ', '·', '. ', '好 ']) normaliseName(`a${blank.repeat(length)}b`);
      const { user, system } = process.cpuUsage(from);
      return user + system;
    };
    cpuOf(20_000);
    // In proportion it is 20 times as much, quadratic 400 times.
    expect(cpuOf(400_000)).toBeLessThan(150 * Math.max(cpuOf(20_000), 1000));
  });

  it.each([
    ...[
      '·',
      '•',
      '‧',
      '∙',
      '⋅',
      '・',
      '･',
      '\u0387',
      ' · ',
      '··',
      '• ・',
      '\u2e31',
      '\u2e33',
      '\ua78f',
    ],
    ...['\u25cf', '\u26ab', '\u16eb'],
    ...['\u318d', '\u25e6', '.', '．', '。', '\uff61', '\u2024', '\ufe52'],
  ])('write the dot inside a name as registers do: %s', (dot) =>
    expect(normaliseName(`阿卜杜拉${dot}买买提`)).toBe('阿卜杜拉·买买提'),
  );

  it.each(['John A. Smith', '韦小宝', 'Jean-Luc', 'O’Neill', '𠮷野'])(
    'leave the name %s as it is',
    (name) => {
      expect(normaliseName(` ${name} `)).toBe(name);
    },
  );

  it('accept the phone number of the provider’s example, which has an unassigned prefix', () => {
    expect(checkPhone('16137688175')).toBeNull();
    expect(checkPhone('12137688175')).not.toBeNull();
  });

  it('accept 8 MB of base64', () => {
    expect(checkBase64Image('A'.repeat(8 * 1024 * 1024), 8 * 1024 * 1024)).toBeNull();
    expect(checkBase64Image('A===', 100)).not.toBeNull();
    expect(checkBase64Image('AA_-', 100)).not.toBeNull();
  });
});
