import { createCipheriv, generateKeyPairSync, randomBytes } from 'node:crypto';
import { sm2 } from 'sm-crypto-v2';

export interface EidInfoSealer {
  /** The merchant's key as the setting takes it: base64 of a PEM text. */
  readonly privateKey: string;
  /** `DesKey` and `UserInfo` of a person. */
  readonly seal: (
    person: { readonly name: string; readonly idnum: string },
    form: string | undefined,
  ) => { readonly DesKey: string; readonly UserInfo: string };
}

/**
 * The encrypted part of `EidInfo` (doc 1007/63370). What that page leaves open can be ordered: `eid=c1c2c3` for the other
 * order of the parts, `eid=asn1` for DER, `eid=hex` for a session key and `UserInfo` as hexadecimal text, and `eid=none`
 * for an account without the permission.
 */
export function createEidInfoSealer(): EidInfoSealer {
  const pair = generateKeyPairSync('ec', { namedCurve: 'SM2' });
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
  const point = pair.publicKey
    .export({ type: 'spki', format: 'der' })
    .subarray(-65)
    .toString('hex');
  return {
    privateKey: Buffer.from(pem).toString('base64'),
    seal: (person, form) => {
      if (form === 'none') return { DesKey: '', UserInfo: '' };
      const key = randomBytes(16);
      const cipher = createCipheriv('sm4-ecb', key, null).setAutoPadding(false);
      const text = Buffer.from(
        JSON.stringify({ name: person.name, idtype: '01', idnum: person.idnum }),
      );
      // No padding: zeros fill the last block.
      const filled = Buffer.concat([text, Buffer.alloc((16 - (text.length % 16)) % 16)]);
      const sealed = Buffer.concat([cipher.update(filled), cipher.final()]);
      const isHex = form === 'hex';
      const wrapped = sm2.doEncrypt(
        isHex ? key.toString('hex') : key,
        point,
        form === 'c1c2c3' ? 0 : 1,
        { asn1: form === 'asn1' },
      );
      return {
        DesKey: Buffer.from(form === 'asn1' ? wrapped : `04${wrapped}`, 'hex').toString('base64'),
        UserInfo: sealed.toString(isHex ? 'hex' : 'base64'),
      };
    },
  };
}
