import { setTimeout as setCallback } from 'node:timers';
import { setTimeout } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { CoreDeps, RefusalsTold } from '../core/core-deps.ts';
import { modeOf } from '../core/core-deps.ts';
import { createOpenedRecords } from '../core/records/opened-records.ts';
import { longestOpenDays } from '../core/records/longest-open-days.ts';
import type { Tenants } from '../core/tenants/tenant-rules.ts';
import { createAccessTokens } from '../core/upstream/access-tokens.ts';
import { createNonceClock } from '../core/upstream/nonce-clock.ts';
import { fromActionKey, toldAccount, type Registry } from '../core/upstream/registry.ts';
import { createRetryBudget } from '../core/upstream/retry-budget.ts';
import { createVerificationValues } from '../core/upstream/verification-values.ts';
import { createBottleneckLimiter } from '../infra/bottleneck-limiter.ts';
import { createCockatielBreaker } from '../infra/cockatiel-breaker.ts';
import { randomBytes } from '../infra/random-bytes.ts';
import type { Log, Metrics, OperationScopes, Tracer } from '../ports/index.ts';
import type { Config } from './config.ts';
import type { Shared } from './create-shared.ts';
import { onlyToLoopback, type UpstreamClient } from './only-to-loopback.ts';

/** Faults in a row that open a provider's breaker. In the sandbox, callers request faults on purpose. */
const faultsToOpen = { live: 5, sandbox: 100 };

const breakerEvents = {
  opened: ['error', 'breaker_opened'],
  closed: ['warn', 'breaker_closed'],
} as const;

interface Parts {
  readonly now: () => number;
  readonly steadyNow: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly scopes: OperationScopes;
  readonly tracer: Tracer;
  readonly shared: Shared;
  readonly upstream: UpstreamClient;
  readonly registry: Registry;
  readonly tenants: Tenants;
}

/** Creates the dependencies of the use cases. */
export function createCoreDeps(parts: Parts, config: Config): CoreDeps {
  const { now, steadyNow, log, metrics, scopes, tracer, shared, registry } = parts;
  const { store, pacer, velocity, followUps, publish, events } = shared;
  const { hashKeys, sandbox } = config;
  const upstream = sandbox ? onlyToLoopback(parts.upstream) : parts.upstream;
  return {
    now,
    randomBytes,
    ...{ log, metrics, scopes, tracer },
    ...{ hashKeys, sandbox },
    store,
    opened: createOpenedRecords((work, ms) => void setCallback(work, ms).unref()),
    openDays: longestOpenDays(registry.all.map(({ definition }) => definition)),
    tenants: parts.tenants,
    ...{ registry, checksums: config.checksums },
    connectUpstream: upstream.connect,
    sendUpstream: upstream.send,
    limiter: createBottleneckLimiter({ pacer, now: steadyNow, guardMs: config.limitGuardMs }),
    breaker: createCockatielBreaker({
      now,
      faultsToOpen: sandbox ? faultsToOpen.sandbox : faultsToOpen.live,
      onChange: (key, state) => {
        const [level, event] = breakerEvents[state];
        const { account, ...about } = fromActionKey(key);
        log.event(level, event, { ...about, account: toldAccount(account) });
      },
    }),
    retryBudget: createRetryBudget(),
    accountTroubles: new Map(),
    nonceMs: createNonceClock(now),
    sleep: (ms) => setTimeout(ms),
    verificationValues: createVerificationValues({ now }),
    accessTokens: createAccessTokens({ store, hashKeys, mode: modeOf(config), now }),
    velocity,
    refusalsTold: new LRUCache<string, RefusalsTold>({ max: 1000 }),
    publicUrl: config.publicUrl,
    ...{ inFlight: new Map(), sharing: new Map(), asking: new Map() },
    ...{ followUps, publish, events, shortestLifeMs: new WeakMap() },
  };
}
