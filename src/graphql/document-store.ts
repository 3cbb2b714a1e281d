import {
  BREAK,
  Kind,
  TokenKind,
  visit,
  type DocumentNode,
  type FloatValueNode,
  type IntValueNode,
  type StringValueNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';

/** Apollo's `documentStore`: documents that were parsed and validated, by a digest of their whole text. */
export interface DocumentStore {
  readonly get: (digest: string) => Promise<DocumentNode | undefined>;
  readonly set: (digest: string, document: DocumentNode) => Promise<void>;
  readonly delete: (digest: string) => Promise<boolean>;
}

/** A parsed document takes 74 bytes of heap per character of its text (graphql 16.15, Node 24.21, 2026-11-26). */
const bytesPerCharacter = 80;
const mostBytes = 16 * 1024 * 1024;
/** A longer document is no operation of an application. */
const mostCharacters = 20_000;
/** Too short to name a person, a document or a phone: `first: 100`. */
const mostDigits = 4;

/**
 * Keeps documents, so that an operation that comes again is neither parsed nor validated again. Documents that
 * could hold personal data are not kept: those with strings, with long numbers or with comments.
 */
export function createDocumentStore(): DocumentStore {
  const documents = new LRUCache<string, DocumentNode>({
    maxSize: mostBytes,
    sizeCalculation: (document) => Math.max(1, lengthOf(document) * bytesPerCharacter),
  });
  return {
    get: async (digest) => documents.get(digest),
    set: async (digest, document) => {
      if (lengthOf(document) <= mostCharacters && !mayHoldPersonalData(document)) {
        documents.set(digest, document);
      }
    },
    delete: async (digest) => documents.delete(digest),
  };
}

function lengthOf({ loc }: DocumentNode): number {
  return loc?.source.body.length ?? Infinity;
}

function mayHoldPersonalData(document: DocumentNode): boolean {
  for (let token = document.loc?.startToken; token; token = token.next ?? undefined) {
    if (token.kind === TokenKind.COMMENT) return true;
  }
  let isFound = false;
  const find = ({ kind, value }: StringValueNode | IntValueNode | FloatValueNode) => {
    isFound = kind === Kind.STRING || value.length > mostDigits;
    return isFound ? BREAK : undefined;
  };
  visit(document, { StringValue: find, IntValue: find, FloatValue: find });
  return isFound;
}
