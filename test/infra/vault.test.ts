import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/ports/index.ts';
import { createVault } from '../../src/infra/vault.ts';
import { someKey } from '../support/redis.ts';

const key = someKey('e1');
const vault = createVault({ keys: [key], mode: 'live' });

describe('the vault', () => {
  it('opens what it sealed, and seals the same text differently each time', () => {
    const [one, two] = [vault.seal('record', 'a', '韦小宝'), vault.seal('record', 'a', '韦小宝')];
    expect(one).toMatch(/^v1\.e1\.[\w-]+$/u);
    expect(two).not.toBe(one);
    expect(vault.open('record', 'a', one)).toBe('韦小宝');
  });

  it.each<[string, (sealed: string) => string]>([
    ['for another id', (sealed) => vault.open('record', 'b', sealed)],
    ['for another purpose', (sealed) => vault.open('cache', 'a', sealed)],
    [
      'in another mode',
      (sealed) => createVault({ keys: [key], mode: 'sandbox' }).open('record', 'a', sealed),
    ],
    [
      'under another key with the same id',
      (sealed) => createVault({ keys: [someKey('e1')], mode: 'live' }).open('record', 'a', sealed),
    ],
    ['with another key id', (sealed) => vault.open('record', 'a', sealed.replace('e1', 'e2'))],
    ['in another version', (sealed) => vault.open('record', 'a', sealed.replace('v1', 'v2'))],
    ['cut short', (sealed) => vault.open('record', 'a', sealed.slice(0, -4))],
    [
      'with too little data',
      (sealed) => vault.open('record', 'a', sealed.replace(/\.[\w-]+$/u, '.AAAA')),
    ],
    [
      'with a tag that was cut short',
      (sealed) => vault.open('record', 'a', sealed.slice(0, 'v1.e1.'.length + 28)),
    ],
    ['with a suffix', (sealed) => vault.open('record', 'a', `${sealed}.AAAA`)],
    ['with a line break', (sealed) => vault.open('record', 'a', `${sealed}\n`)],
    ['with padding', (sealed) => vault.open('record', 'a', `${sealed}==`)],
    [
      'with other unused bits',
      (sealed) => {
        const last = sealed.at(-1) ?? '';
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
        // 32 bytes leave two bits of the last letter unused.
        const other = alphabet[alphabet.indexOf(last) ^ 1] ?? '';
        return vault.open('record', 'a', `${sealed.slice(0, -1)}${other}`);
      },
    ],
    ['that is empty', () => vault.open('record', 'a', '')],
  ])('rejects a sealed text %s', (_name, open) => {
    expect(() => open(vault.seal('record', 'a', 'text'))).toThrow(StoreUnavailable);
  });
});
