import { describe, expect, it } from 'vitest';
import { ProviderFault } from '../../src/contract/index.ts';
import { MissedTurn } from '../../src/ports/index.ts';
import { until } from '../support/until.ts';
import { createCockatielBreaker } from '../../src/infra/cockatiel-breaker.ts';

async function fail(kind: ProviderFault['kind']): Promise<never> {
  throw new ProviderFault(kind);
}

describe.concurrent('the breaker', () => {
  it('opens for one action after five faults in a row', async () => {
    const breaker = createCockatielBreaker({ now: Date.now, faultsToOpen: 5 });
    for (let time = 0; time < 5; time++) {
      await breaker.run('a', () => fail('timeout')).catch(() => {});
    }
    let calls = 0;
    const refused = breaker.run('a', async () => {
      calls += 1;
    });
    await expect(refused).rejects.toMatchObject({ kind: 'not_sent' });
    expect(calls).toBe(0);
    expect(breaker.isOpen('a')).toBe(true);
    expect(await breaker.run('b', async () => 'sent')).toBe('sent');
  });

  it('tells once that it opened, and once that it closed', async () => {
    const told: string[] = [];
    const breaker = createCockatielBreaker({
      ...{ now: Date.now, faultsToOpen: 2 },
      onChange: (key, state) => told.push(`${key} ${state}`),
    });
    const failOnce = () => breaker.run('a', () => fail('timeout')).catch(() => {});
    for (let time = 0; time < 5; time++) await failOnce();
    expect(told).toEqual(['a opened']);
    const pause = () => until(async () => !breaker.isOpen('a'), 60_000);
    await pause();
    // The probe fails, so it stays open.
    await failOnce();
    expect(told).toEqual(['a opened']);
    await pause();
    await breaker.run('a', async () => 'sent');
    await breaker.run('a', async () => 'sent');
    expect(told).toEqual(['a opened', 'a closed']);
  }, 30_000);

  it('is not opened by refusals of single requests', async () => {
    const breaker = createCockatielBreaker({ now: Date.now, faultsToOpen: 5 });
    for (let time = 0; time < 20; time++) {
      await breaker.run('a', () => fail('rejected')).catch(() => {});
    }
    expect(breaker.isOpen('a')).toBe(false);
  });

  it('sends one probe after its pause, and fails other calls at once', async () => {
    const breaker = createCockatielBreaker({ now: Date.now, faultsToOpen: 5 });
    for (let time = 0; time < 5; time++) {
      await breaker.run('a', () => fail('timeout')).catch(() => {});
    }
    await new Promise((resolve) => setTimeout(resolve, 5100));
    expect(breaker.isOpen('a')).toBe(false);
    let finish = (): void => {};
    const probe = breaker.run(
      'a',
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    const others = await Promise.allSettled(
      Array.from({ length: 10 }, () => breaker.run('a', async () => 'sent')),
    );
    expect(others.every(({ status }) => status === 'rejected')).toBe(true);
    finish();
    await probe;
    expect(await breaker.run('a', async () => 'sent')).toBe('sent');
  });

  it('is not closed by a probe that was not sent', async () => {
    const breaker = createCockatielBreaker({ now: Date.now, faultsToOpen: 5 });
    for (let time = 0; time < 5; time++) {
      await breaker.run('a', () => fail('timeout')).catch(() => {});
    }
    await new Promise((resolve) => setTimeout(resolve, 5100));
    const missed = breaker.run('a', async () => {
      throw new MissedTurn();
    });
    await expect(missed).rejects.toMatchObject({ kind: 'not_sent' });
    expect(breaker.isOpen('a')).toBe(true);
  });

  it('allows 300 concurrent calls of one action, apart from other actions', async () => {
    const breaker = createCockatielBreaker({ now: Date.now, faultsToOpen: 5 });
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const running = Array.from({ length: 300 }, () => breaker.run('slow', () => held));
    await expect(breaker.run('slow', () => held)).rejects.toMatchObject({ kind: 'not_sent' });
    expect(await breaker.run('other', async () => 'done')).toBe('done');
    release();
    await Promise.all(running);
    expect(await breaker.run('slow', async () => 'done')).toBe('done');
  });
});
