import { normaliseIdNumber, normaliseName } from '../../contract/index.ts';

export interface Subject {
  readonly name: string | null;
  readonly idNumber: string | null;
}

/** The person in normal form, as all later code expects it. An empty field counts as missing. */
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
