import { expect, it } from 'vitest';
import { startMutation, verificationQuery } from '../support/operations.ts';
import { startTestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

const megabyte = 1024 * 1024;

it('fifty outcomes with a video of 8 MB each, asked for at once, stay small in memory', async () => {
  const app = await startTestApp();
  try {
    const referenceImage = Buffer.from('not a picture').toString('base64');
    const extra = 'sandbox:media=8 sandbox:GetWebVerificationResultIntl=0';
    const ids = await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        until(async () => {
          const input = {
            idempotencyKey: `large-${at}`,
            channel: 'FACE_WEB',
            provider: 'tencent-intl',
            referenceImage,
            extra,
          };
          const { data } = await app.send(startMutation, { input });
          return data.startVerification.verification?.id ?? null;
        }, 20_000),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 1000));

    const held = (): number => {
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = held();
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, held());
    }, 5);
    await Promise.all(
      ids.map((id) =>
        until(async () => {
          const { data } = await app.send(verificationQuery, { id });
          return data.verification.status === 'PASSED';
        }, 30_000),
      ),
    );
    clearInterval(watch);
    expect((peak - before) / (50 * 8 * megabyte)).toBeLessThan(0.4);
  } finally {
    await app.stop();
  }
}, 60_000);
