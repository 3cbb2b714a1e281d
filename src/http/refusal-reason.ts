import { AccessDenied, Unauthenticated } from '../core/callers/caller.ts';
import type { RequestRefusal } from '../ports/index.ts';
import { ComeAgain } from './come-again.ts';
import { IdentityUnavailable } from './jwt-reader.ts';

/** Why a request was refused before it was executed. Null for a fault of this service. */
export function refusalReason(
  error: Error & { readonly statusCode?: number | undefined },
): RequestRefusal | null {
  if (error instanceof Unauthenticated) return error.by;
  if (error instanceof IdentityUnavailable) return 'identity_provider';
  if (error instanceof AccessDenied) return 'caller';
  if (error instanceof ComeAgain) return 'busy';
  return (error.statusCode ?? 500) < 500 ? 'malformed' : null;
}
