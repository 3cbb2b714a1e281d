import type { GraphQLResolveInfo } from 'graphql';
import type { ClearIdentity, RecordedIdentity } from '../core/identity/recorded-identity.ts';
import type { VerificationRecord } from '../core/records/records.ts';
import type { GraphqlContext } from './context.ts';

/** The parent of the fields of an identity, and of its document. */
export interface IdentityOf<Part> {
  readonly record: VerificationRecord;
  readonly part: Part;
}

export type VerifiedIdentityParent = IdentityOf<RecordedIdentity>;
export type VerifiedDocumentParent = IdentityOf<NonNullable<RecordedIdentity['document']>>;

/** Whether the field is below an entry of a list: a list must not become a register of persons. */
export function isInList({ path }: Pick<GraphQLResolveInfo, 'path'>): boolean {
  for (let at: typeof path | undefined = path; at; at = at.prev) {
    if (at.typename === 'VerificationEdge') return true;
  }
  return false;
}

/** A resolver for a field in clear. */
export function inClear(field: keyof ClearIdentity) {
  return async (
    { record }: { readonly record: VerificationRecord },
    _arguments: object,
    { loaders }: GraphqlContext,
    info: Pick<GraphQLResolveInfo, 'path'>,
  ): Promise<string | null> => {
    const clear = isInList(info) ? null : await loaders.clearIdentity.load(record);
    return clear?.[field] ?? null;
  };
}
