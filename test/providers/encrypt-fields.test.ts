import { constants, createDecipheriv, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { sm2, sm4 } from 'sm-crypto-v2';
import { describe, expect, it } from 'vitest';
import { tencentCn } from '../../providers/tencent-cn/index.ts';
import { encryptFields, readEncryptionKey } from '../../providers/tencent/encrypt-fields.ts';
import { parseProviderSettings } from '../../src/boot/parse-provider-settings.ts';
import { checkMutation, startMutation } from '../support/operations.ts';
import { fakeCall, someSettings } from '../support/call-plugin.ts';
import { startTestApp } from '../support/test-app.ts';

const pair = generateKeyPairSync('rsa', { modulusLength: 1024 });
const pem = String(pair.publicKey.export({ type: 'pkcs1', format: 'pem' }));
const setting = Buffer.from(pem).toString('base64');

const sm2Pair = generateKeyPairSync('ec', { namedCurve: 'SM2' });
const sm2Setting = Buffer.from(
  String(sm2Pair.publicKey.export({ type: 'spki', format: 'pem' })),
).toString('base64');

function keyIn(encryption: { CiphertextBlob: string }): Buffer {
  const raw = privateDecrypt(
    { key: pair.privateKey, padding: constants.RSA_NO_PADDING },
    Buffer.from(encryption.CiphertextBlob, 'base64'),
  );
  return raw.subarray(-32);
}

/** Decrypts as the vendor's documentation says: RSA PKCS#1 v1.5, then AES-256-CBC. */
function open(encryption: { CiphertextBlob: string; Iv: string }, value: string): string {
  const key = keyIn(encryption);
  const decipher = createDecipheriv('aes-256-cbc', key, Buffer.from(encryption.Iv, 'base64'));
  return decipher.update(value, 'base64', 'utf8') + decipher.final('utf8');
}

describe('encryption of sensitive fields', () => {
  it('decrypts the test vector of the vendor’s library', () => {
    const key = Buffer.from('XJKXDwFwoYHoORb/g1ReMJ+POptUa7Ax4R+CRI0GLgU=', 'base64');
    const iv = Buffer.from('vTjCqg1Xz6Lh0pJZCNjAAQ==', 'base64');
    const decipher = createDecipheriv('aes-256-cbc', key, iv);
    const text = decipher.update('QR3meQHDzArXCIuJIyETLzRtOjg0vjRxcYdKQTOE7vw=', 'base64', 'utf8');
    expect(text + decipher.final('utf8')).toBe('爱新觉罗永琪');
  });

  it('replaces each encrypted value in place, under a new key each time', () => {
    const key = readEncryptionKey(setting);
    if (!key) throw new Error('no key');
    const plain = { Name: '韦小宝', IdCard: '11204416541220243X', Phone: undefined };
    const one = encryptFields(key, plain);
    const two = encryptFields(key, plain);
    if (!one.encryption || !two.encryption) throw new Error('not encrypted');
    expect(one.encryption).toMatchObject({
      EncryptList: ['Name', 'IdCard'],
      Algorithm: 'AES-256-CBC',
    });
    expect(open(one.encryption, one.fields.Name ?? '')).toBe('韦小宝');
    expect(open(one.encryption, one.fields.IdCard ?? '')).toBe('11204416541220243X');
    expect(one.fields).not.toHaveProperty('Phone');
    expect(two.encryption.Iv).not.toBe(one.encryption.Iv);
    expect(keyIn(two.encryption)).not.toEqual(keyIn(one.encryption));
    expect(two.fields.Name).not.toBe(one.fields.Name);
  });

  it('matches the SM4-GCM test vector of RFC 8998', () => {
    const blocks = ['aa', 'bb', 'cc', 'dd', 'ee', 'ff', 'ee', 'aa'];
    const { output, tag } = sm4.encrypt(
      Buffer.from(blocks.map((byte) => byte.repeat(8)).join(''), 'hex'),
      Buffer.from('0123456789abcdeffedcba9876543210', 'hex'),
      {
        mode: 'gcm',
        iv: Buffer.from('00001234567800000000abcd', 'hex'),
        associatedData: Buffer.from('feedfacedeadbeeffeedfacedeadbeefabaddad2', 'hex'),
        output: 'array',
        outputTag: true,
      },
    );
    expect(Buffer.from(output).toString('hex')).toBe(
      '17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d',
    );
    expect(Buffer.from(tag ?? []).toString('hex')).toBe('83de3541e4c2b58177e065a9bf7b62ec');
  });

  it('encrypts to an SM2 key with a tag for each field, in order', () => {
    const key = readEncryptionKey(sm2Setting);
    if (!key) throw new Error('no key');
    const { fields, encryption } = encryptFields(key, {
      Name: '韦小宝',
      IdCard: '11204416541220243X',
    });
    if (!encryption) throw new Error('not encrypted');
    expect(encryption).toMatchObject({ EncryptList: ['Name', 'IdCard'], Algorithm: 'SM4-GCM' });
    expect(Buffer.from(encryption.Iv, 'base64')).toHaveLength(12);
    // 04, x and y, a hash of 32 bytes, 16 bytes of key.
    const blob = Buffer.from(encryption.CiphertextBlob, 'base64');
    expect(blob).toHaveLength(1 + 64 + 32 + 16);
    expect(blob[0]).toBe(4);
    const secret = sm2Pair.privateKey.export({ type: 'sec1', format: 'der' }).subarray(7, 39);
    const unwrapped = sm2.doDecrypt(blob.subarray(1).toString('hex'), secret.toString('hex'), 1, {
      output: 'array',
    });
    const opened = (value: string | undefined, tag: string | undefined): string =>
      Buffer.from(
        sm4.decrypt(Buffer.from(value ?? '', 'base64'), unwrapped, {
          mode: 'gcm',
          iv: Buffer.from(encryption.Iv, 'base64'),
          tag: Buffer.from(tag ?? '', 'base64'),
          output: 'array',
        }),
      ).toString('utf8');
    const [nameTag, idTag] = encryption.TagList ?? [];
    expect(opened(fields.Name, nameTag)).toBe('韦小宝');
    expect(opened(fields.IdCard, idTag)).toBe('11204416541220243X');
    expect(() => opened(fields.Name, idTag)).toThrow('tag');
  });

  it('accepts a public key of the console or PEM, and rejects others by name', () => {
    expect(readEncryptionKey(setting)).not.toBeNull();
    expect(readEncryptionKey(pem)).not.toBeNull();
    const privateKeys = [pair, sm2Pair].map(({ privateKey }) =>
      String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    );
    for (const wrong of privateKeys) expect(readEncryptionKey(wrong)).toBeNull();
    const otherCurve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    expect(
      readEncryptionKey(String(otherCurve.export({ type: 'spki', format: 'pem' }))),
    ).toBeNull();
    const parsed = parseProviderSettings(tencentCn, {
      ...someSettings,
      ENCRYPTION_PUBLIC_KEY: 'CANARY',
    });
    expect(parsed).toEqual({
      wrong: [
        'TENCENT_CN_ENCRYPTION_PUBLIC_KEY must be the RSA or SM2 key of the FaceID console, base64 of its PEM text.',
      ],
    });
  });

  it('leaves none of the four values of a card check in clear text', async () => {
    const settings = { ...someSettings, ENCRYPTION_PUBLIC_KEY: setting };
    const { call, sent } = fakeCall(
      tencentCn,
      { BankCard4EVerification: { Result: '0' } },
      settings,
    );
    const prepared = tencentCn.bankCard?.variants.at(-1)?.prepare(
      {
        subject: { name: '韦小宝', idNumber: '11204416541220243X' },
        cardNumber: '6225768888888888',
        phone: '16137688175',
        certType: 0,
      },
      { settings: call.settings, nowMs: 0, doubt: () => {} },
    );
    if (!prepared || 'problems' in prepared) throw new Error('refused');
    await prepared.check(call);
    const body = sent[0]?.body;
    expect(body.Encryption.EncryptList).toEqual(['Name', 'IdCard', 'Phone', 'BankCard']);
    expect(open(body.Encryption, body.BankCard)).toBe('6225768888888888');
    for (const value of ['韦小宝', '11204416541220243X', '6225768888888888', '16137688175']) {
      expect(JSON.stringify(body)).not.toContain(value);
    }
  });

  it.each([
    ['RSA', setting],
    ['SM2', sm2Setting],
  ])('works end to end with %s in the sandbox', async (_name, given) => {
    const app = await startTestApp({ env: { TENCENT_CN_ENCRYPTION_PUBLIC_KEY: given } });
    try {
      const check = (name: string) =>
        app.send(checkMutation, {
          input: {
            idempotencyKey: name,
            subject: { name, idNumber: '11204416541220243X' },
            cardNumber: '6225768888888888',
            phone: '16137688175',
          },
        });
      expect((await check('韦小宝')).data.checkBankCard.check).toMatchObject({
        outcome: 'MATCHED',
      });
      // The sandbox order is in the encrypted name, so it works only after decryption.
      expect((await check('sandbox:-13')).data.checkBankCard.check).toMatchObject({
        reason: 'LOST_CARD',
      });
      for (const channel of ['E_ID', 'FACE_SDK']) {
        const { data } = await app.send(startMutation, {
          input: {
            idempotencyKey: channel,
            channel,
            subject: { name: '韦小宝', idNumber: '11204416541220243X' },
          },
        });
        expect(data.startVerification.__typename).toBe('StartVerificationSuccess');
      }
    } finally {
      await app.stop();
    }
  });
});
