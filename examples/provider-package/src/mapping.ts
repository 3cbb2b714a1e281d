import type { FaultKind, TerminalStatus } from 'verification-subgraph/provider';

/** What each error proves; the last is of OAuth (RFC 6749, 5.2). */
export const faults: Readonly<Record<string, FaultKind>> = {
  too_many_requests: 'throttled',
  invalid_token: 'credentials',
  forbidden: 'misconfigured',
  insufficient_funds: 'quota_exhausted',
  invalid_request: 'rejected',
  image_unusable: 'rejected',
  processing_error: 'internal',
  invalid_client: 'credentials',
};

/** What each result means. */
export const results: Readonly<
  Record<
    string,
    { readonly status: TerminalStatus; readonly reason: string; readonly message: string }
  >
> = {
  genuine: { status: 'PASSED', reason: 'VERIFIED', message: 'The document is genuine.' },
  expired: {
    status: 'FAILED',
    reason: 'DOCLENS_DOCUMENT_EXPIRED',
    message: 'The document has expired.',
  },
  tampered: {
    status: 'FAILED',
    reason: 'DOCLENS_DOCUMENT_TAMPERED',
    message: 'The document was altered.',
  },
  unreadable: {
    status: 'FAILED',
    reason: 'DOCUMENT_UNREADABLE',
    message: 'The document could not be read.',
  },
};

/** Types of documents: what the vendor calls them, and whether they have a back. */
export const documentTypes = {
  PASSPORT: { name: 'passport', hasBack: false },
  ID_CARD: { name: 'id_card', hasBack: true },
  DRIVING_LICENCE: { name: 'driving_licence', hasBack: true },
} as const;
