import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { signTc3 } from '../../providers/tencent/sign-tc3.ts';
import { Secret } from '../../src/contract/index.ts';

interface OfficialSign {
  readonly sign3: (input: object) => string;
}
// The official SDK's own signing: CommonJS, and not part of its typed surface.
const official = createRequire(import.meta.url)(
  'tencentcloud-sdk-nodejs-common/tencentcloud/common/sign.js',
) as { readonly default: OfficialSign };

const secretId = new Secret('AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE');
const published = {
  service: 'cvm',
  host: 'cvm.tencentcloudapi.com',
  contentType: 'application/json; charset=utf-8',
  // Literal backslash-u escapes, as the document prints them.
  body: String.raw`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`,
  timestamp: 1551113065,
};

describe('TC3-HMAC-SHA256', () => {
  it.each([
    [
      'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE',
      '72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168',
    ],
    [
      'Gu5t9xGARNpq86cd98joQYCN3*******',
      '2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c',
    ],
  ])('matches the published test vector of the key %s', (key, signature) => {
    expect(signTc3(published, secretId, new Secret(key))).toBe(
      `TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host, Signature=${signature}`,
    );
  });

  it.each([
    { Name: '韦小宝', IdCard: '11204416541220243X' },
    { Extra: '"quotes" \\ and 😀 and \u2028' },
    {},
  ])('matches the official SDK byte for byte for %j', (payload) => {
    for (const timestamp of [1551113065, 1767225599, 1767225600]) {
      const ours = signTc3(
        {
          service: 'faceid',
          host: 'faceid.tencentcloudapi.com',
          contentType: 'application/json',
          body: JSON.stringify(payload),
          timestamp,
        },
        secretId,
        new Secret('some-key'),
      );
      const theirs = official.default.sign3({
        method: 'POST',
        url: 'https://faceid.tencentcloudapi.com/',
        // As bytes: the SDK's own JSON escapes a few characters that ours leaves as they are.
        payload: Buffer.from(JSON.stringify(payload)),
        timestamp,
        service: 'faceid',
        secretId: secretId.reveal(),
        secretKey: 'some-key',
        headers: { 'Content-Type': 'application/json' },
      });
      expect(ours).toBe(theirs);
    }
  });
});
