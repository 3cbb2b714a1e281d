import { normaliseIdNumber, normaliseName } from '../../contract/index.ts';

export interface Subject {
  readonly name: string | null;
  readonly idNumber: string | null;
}

/** The person as everybody further down sees them; an empty field is a missing one. */
export function normaliseSubject(
  given: { readonly name?: string | null; readonly idNumber?: string | null } | null | undefined,
): Subject {
  return {
    name: emptyToNull(normaliseName(given?.name ?? '')),
    idNumber: emptyToNull(normaliseIdNumber(given?.idNumber ?? '')),
  };
}

export function emptyToNull(text: string): string | null {
  return text === '' ? null : text;
}
