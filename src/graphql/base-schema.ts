import { readFileSync } from 'node:fs';
import { gql } from 'graphql-tag';
import type { DocumentNode } from 'graphql';

// Listed by name, so that the printed SDL in the same folder is not read.
const files = ['link', 'verification', 'bank-card', 'provider', 'problem', 'user', 'redaction'];

/** The SDL that does not depend on the registered providers. */
export function readBaseSchema(): readonly DocumentNode[] {
  return files.map((file) =>
    gql(readFileSync(new URL(`../../schema/${file}.graphql`, import.meta.url), 'utf8')),
  );
}
