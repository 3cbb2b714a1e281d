import { describe, expect, it } from 'vitest';
import {
  checkBase64Image,
  checkIdNumberChecksum,
  checkLuhn,
  checkPhone,
  normaliseCardNumber,
  normaliseIdNumber,
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
    for (const phone of ['+86 161-3768-8175', '0086 16137688175', '161 3768 8175']) {
      expect(normalisePhone(phone)).toBe('16137688175');
    }
  });

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
