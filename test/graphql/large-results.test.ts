import { expect, it } from 'vitest';
import { startMutation, verificationQuery } from '../support/operations.ts';
import { startTestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

it('fifty concurrent outcomes with a video of 8 MB each are all read', async () => {
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
            // An equal start would reuse the launch of the one before.
            extra: `${extra} ${at}`,
          };
          const { data } = await app.send(startMutation, { input });
          return data?.startVerification?.verification?.id ?? null;
        }, 120_000),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 1000));

    await Promise.all(
      ids.map((id) =>
        until(async () => {
          const { data } = await app.send(verificationQuery, { id });
          return data?.verification?.status === 'PASSED';
        }, 120_000),
      ),
    );
    // Unfiltered, they would exceed the shared byte budget, and most would fail at first.
    const reads = app.logLines.filter((line) => line.includes('GetWebVerificationResultIntl'));
    expect(reads.length).toBeGreaterThanOrEqual(50);
    for (const line of reads) expect(line).not.toContain('"outcome":"protocol"');
  } finally {
    await app.stop();
  }
}, 300_000);
