import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callTencent } from '../../providers/tencent/call-tencent.ts';
import { Secret, type ProviderCall, type UpstreamCall } from '../../src/contract/index.ts';

const account = {
  endpoint: 'https://faceid.tencentcloudapi.com',
  secretId: new Secret('id'),
  secretKey: new Secret('key'),
};

function answerOf(status: number, body: string) {
  const call: ProviderCall<null> = {
    settings: null,
    now: () => 0,
    sleep: async () => {},
    accessToken: async () => Promise.reject(new Error('none is used')),
    send: async <T>(upstream: UpstreamCall<T>) =>
      upstream.read({ status, headers: {}, body: Buffer.from(body) }, { requestId: () => {} }),
  };
  return callTencent(call, account, {
    action: 'BankCard4EVerification',
    version: '2018-03-01',
    payload: {},
    answer: z.object({ Result: z.string() }),
  });
}

const good = '{"Response":{"Result":"0","RequestId":"r-1","Newer":[1]}}';

describe('a Tencent Cloud response', () => {
  it('yields the fields that are read, and drops others', async () => {
    expect(await answerOf(200, good)).toEqual({ Result: '0', requestId: 'r-1' });
  });

  it.each([201, 204, 403, 500, 503])(
    'is a fault with HTTP status %i, whatever its body says',
    async (status) => {
      await expect(answerOf(status, good)).rejects.toMatchObject({ kind: 'protocol' });
    },
  );

  it('yields the provider’s error code', async () => {
    const body = '{"Response":{"Error":{"Code":"A.B","Message":"CANARY"},"RequestId":"r-2"}}';
    const error: unknown = await answerOf(200, body).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'A.B', requestId: 'r-2' });
    expect(String(error)).not.toContain('CANARY');
  });

  it('is a fault when the deciding field is missing', async () => {
    await expect(answerOf(200, '{"Response":{"RequestId":"r-3"}}')).rejects.toMatchObject({
      kind: 'protocol',
      providerRequestId: 'r-3',
    });
  });
});
