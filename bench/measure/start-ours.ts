import { freePort } from '../../test/support/free-port.ts';
import { startProcess, type MeasuredProcess } from './start-process.ts';

const key = Buffer.alloc(32, 7).toString('base64');

/** This service as it runs in production, at a provider on loopback, with limits that hold nothing up. */
export async function startOurs(
  redisUrl: string,
  providerUrl: string,
  command: readonly string[] = ['src/main.ts'],
  env: Readonly<Record<string, string>> = {},
): Promise<MeasuredProcess> {
  return startProcess(
    command,
    {
      ...env,
      PUBLIC_PORT: String(await freePort()),
      REDIS_URL: redisUrl,
      STORE_HASH_KEYS: `h1:${key}`,
      STORE_ENCRYPTION_KEYS: `e1:${key}`,
      PUBLIC_URL: 'https://idv.example',
      REDIRECT_ORIGINS: 'https://app.example',
      ROUTER_SECRETS: 'the-secret-of-the-router',
      TRUST_IDENTITY_HEADERS: 'on',
      SHUTDOWN_DELAY_MS: '0',
      TENCENT_CN_SECRET_ID: 'AKIDbenchbenchbenchbenchbench',
      TENCENT_CN_SECRET_KEY: 'bench-secret-key',
      TENCENT_CN_MERCHANT_ID: '0NSJ240626160443125212',
      TENCENT_CN_ENDPOINT: providerUrl,
      TENCENT_CN_LIMIT_GETEIDTOKEN: '100000',
      TENCENT_CN_LIMIT_CHECKEIDTOKENSTATUS: '100000',
      TENCENT_CN_LIMIT_GETEIDRESULT: '100000',
      TENCENT_CN_LIMIT_BANKCARD4EVERIFICATION: '100000',
    },
    '/health/ready',
  );
}
