import { describe, expect, it } from 'vitest';
import { ProviderFault, sanitizeCode, sanitizeRequestId } from '../../src/contract/index.ts';
import { checkLaunch } from '../../src/core/verifications/check-launch.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { callerOf, createTestCore, probe } from '../support/test-core.ts';

const live = { sandbox: false };
const bad = [
  'javascript:alert(1)',
  'data:text/html,x',
  'http://provider.example/',
  'https://provider.example/\u0000',
  'https://provider.example/\nx',
  ' https://provider.example/',
  'https://provider.example/\u00a0',
  '//provider.example/',
  'not an address',
  '',
];

describe('the URL of a launch', () => {
  it.each(bad)('is rejected when it is %j', (url) => {
    expect(() => checkLaunch({ kind: 'redirect', url }, live)).toThrow(ProviderFault);
  });

  it.each(bad)('is dropped when it is optional and %j', (url) => {
    const good = 'https://provider.example/go?a=%20';
    expect(checkLaunch({ kind: 'redirect', url: good, longUrl: url, token: 'T' }, live)).toEqual({
      ...{ kind: 'redirect', url: good, longUrl: undefined, token: 'T' },
    });
    expect(checkLaunch({ kind: 'mini_program', token: 'T', url }, live)).toEqual({
      ...{ kind: 'mini_program', token: 'T', url: undefined, longUrl: undefined },
    });
  });

  it('may be http in the sandbox, which serves its pages itself', () => {
    const launch = { kind: 'redirect', url: 'http://localhost:4001/sandbox/person/x' } as const;
    expect(checkLaunch(launch, { sandbox: true })).toMatchObject(launch);
    expect(() => checkLaunch({ kind: 'redirect', url: 'javascript:1' }, { sandbox: true })).toThrow(
      ProviderFault,
    );
  });

  it('fails the start and frees its key when it is invalid', async () => {
    const channel = probe.channels['FACE_WEB'];
    if (!channel) throw new Error('no channel');
    let url = 'javascript:alert(1)';
    const definition = {
      ...probe,
      channels: {
        FACE_WEB: {
          ...channel,
          prepare: () => ({
            checks: ['LIVENESS'] as const,
            start: async () => ({
              launch: { kind: 'redirect', url } as const,
              session: { token: 'T' },
              expiresInSeconds: 600,
            }),
          }),
        },
      },
    };
    const { deps } = createTestCore({ definitions: [definition] });
    const start = () =>
      startVerification(
        deps,
        callerOf(),
        { idempotencyKey: 'k', channel: 'FACE_WEB' },
        deps.now() + 9000,
      );
    expect(await start()).toMatchObject({ problem: { code: 'PROVIDER_UNAVAILABLE' } });
    url = 'https://provider.example/go';
    expect(await start()).toMatchObject({ kind: 'success' });
  });
});

describe('a provider’s code', () => {
  it.each(['0', '-13', '30500101', 'Refused.Input', 'FailedOperation.UnregisteredEid'])(
    'is shown when it is %s',
    (code) => expect(sanitizeCode(code)).toBe(code),
  );

  it.each([
    '13800138000',
    '112044165412202431',
    '11204416541220243X',
    '6225768888888888',
    'E13800138000',
    '韦小宝',
  ])('is not shown when it is %s, which may be personal data', (code) =>
    expect(sanitizeCode(code)).toBe('unreadable'),
  );

  it('may come with a long request id, but not with a personal number', () => {
    const uuid = '3afb9b29-025e-45de-9741-747000000000';
    expect(sanitizeRequestId(uuid)).toBe(uuid);
    expect(sanitizeRequestId('11204416541220243X')).toBe('unreadable');
    expect(sanitizeRequestId('6225768888888888')).toBe('unreadable');
  });
});
