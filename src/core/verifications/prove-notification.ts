import {
  ProviderFault,
  type Notification,
  type NotificationDefinition,
  type NotificationProof,
  type VerifyContext,
} from '../../contract/index.ts';
import { LimiterRefusal, StoreUnavailable } from '../../ports/index.ts';
import type { CallDeps } from '../core-deps.ts';
import { readsOnly } from '../upstream/call-journal.ts';
import { callProvider } from '../upstream/call-provider.ts';
import type { RegisteredProvider } from '../upstream/registry.ts';
import { withTimeout } from '../with-timeout.ts';

/** How long the fetch of a provider's keys may take, and the whole check of a signature. */
const keysWithinMs = 5000;
const proofWithinMs = 8000;

/** `undecided`: what proves the signature could not be fetched. The provider should send it again. */
export type Proof = NotificationProof | { readonly kind: 'undecided' };

/** A notification whose signature cannot be checked is refused. */
export async function proveNotification(
  deps: CallDeps,
  provider: RegisteredProvider,
  { verify }: NotificationDefinition<unknown>,
  notification: Notification,
): Promise<Proof> {
  try {
    const proof = await withTimeout<NotificationProof | undefined>(
      proofWithinMs,
      Promise.resolve(verify?.(notification, verifyContext(deps, provider))),
      () => {
        throw new ProviderFault('timeout');
      },
    );
    const isProven =
      proof?.kind === 'genuine' && typeof proof.deliveryId === 'string' && proof.deliveryId !== '';
    return isProven ? proof : { kind: 'refused' };
  } catch (error) {
    const isPassing =
      error instanceof ProviderFault ||
      error instanceof LimiterRefusal ||
      error instanceof StoreUnavailable;
    if (isPassing) return { kind: 'undecided' };
    deps.log.event('warn', 'notification_unreadable', { provider: provider.definition.id });
    return { kind: 'refused' };
  }
}

/** What a plugin gets to check a signature with. */
export function verifyContext(
  deps: CallDeps,
  provider: RegisteredProvider,
): VerifyContext<unknown> {
  return {
    settings: provider.settings,
    nowMs: deps.now(),
    cached: (name, keepSeconds, fetch, isStale) =>
      deps.verificationValues.get(provider, {
        ...{ name, keepSeconds, isStale },
        fetch: () => {
          const deadlineMs = deps.now() + keysWithinMs;
          const terms = { priority: 'result', deadlineMs, beforeSend: [] } as const;
          const fetching = fetch(callProvider(deps, provider, terms, readsOnly));
          return withTimeout(keysWithinMs, fetching, () => {
            throw new ProviderFault('timeout');
          });
        },
      }),
  };
}
