import { constants, createDecipheriv, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { tencentCn } from '../../providers/tencent-cn/index.ts';
import { encryptFields, readEncryptionKey } from '../../providers/tencent/encrypt-fields.ts';
import { parseProviderSettings } from '../../src/config.ts';
import { checkMutation, startMutation } from '../support/operations.ts';
import { fakeCall, someSettings } from '../support/call-plugin.ts';
import { startTestApp } from '../support/test-app.ts';

const pair = generateKeyPairSync('rsa', { modulusLength: 1024 });
const pem = String(pair.publicKey.export({ type: 'pkcs1', format: 'pem' }));
const setting = Buffer.from(pem).toString('base64');

/** The vendor's side, by the document: RSA PKCS#1 v1.5, then AES-256-CBC. */
function open(encryption: { CiphertextBlob: string; Iv: string }, value: string): string {
  const raw = privateDecrypt(
    { key: pair.privateKey, padding: constants.RSA_NO_PADDING },
    Buffer.from(encryption.CiphertextBlob, 'base64'),
  );
  const key = raw.subarray(-32);
  const decipher = createDecipheriv('aes-256-cbc', key, Buffer.from(encryption.Iv, 'base64'));
  return decipher.update(value, 'base64', 'utf8') + decipher.final('utf8');
}

describe('encryption of sensitive fields', () => {
  it('decrypts the vector of the vendor’s own library the same way', () => {
    const key = Buffer.from('XJKXDwFwoYHoORb/g1ReMJ+POptUa7Ax4R+CRI0GLgU=', 'base64');
    const iv = Buffer.from('vTjCqg1Xz6Lh0pJZCNjAAQ==', 'base64');
    const decipher = createDecipheriv('aes-256-cbc', key, iv);
    const text = decipher.update('QR3meQHDzArXCIuJIyETLzRtOjg0vjRxcYdKQTOE7vw=', 'base64', 'utf8');
    expect(text + decipher.final('utf8')).toBe('爱新觉罗永琪');
  });

  it('puts each encrypted value in its own place, under a fresh key each time', () => {
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
    expect(two.encryption.CiphertextBlob).not.toBe(one.encryption.CiphertextBlob);
    expect(two.fields.Name).not.toBe(one.fields.Name);
  });

  it('takes the key as the console gives it, or as PEM, and names what is none', () => {
    expect(readEncryptionKey(setting)).not.toBeNull();
    expect(readEncryptionKey(pem)).not.toBeNull();
    const parsed = parseProviderSettings(tencentCn, {
      ...someSettings,
      ENCRYPTION_PUBLIC_KEY: 'CANARY',
    });
    expect(parsed).toEqual({
      wrong: [
        'TENCENT_CN_ENCRYPTION_PUBLIC_KEY must be the RSA key of the FaceID console, base64 of its PEM text.',
      ],
    });
  });

  it('leaves none of the four values of a card check in clear', async () => {
    const settings = { ...someSettings, ENCRYPTION_PUBLIC_KEY: setting };
    const { call, sent } = fakeCall(
      tencentCn,
      { BankCard4EVerification: { Result: '0' } },
      settings,
    );
    const prepared = tencentCn.bankCard?.prepare(
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

  it('reaches the sandbox, which decrypts it and goes by what it reads', async () => {
    const app = await startTestApp({ env: { TENCENT_CN_ENCRYPTION_PUBLIC_KEY: setting } });
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
      // The order is inside the encrypted name: only who decrypts it can follow it.
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
