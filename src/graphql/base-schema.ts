import { readFileSync } from 'node:fs';
import { gql } from 'graphql-tag';
import type { DocumentNode } from 'graphql';

// Listed, so that the printed SDL beside them is never read back in.
const files = ['link', 'verification', 'bank-card', 'provider', 'problem', 'user', 'redaction'];

/** The SDL that is there whatever providers are registered. */
export function readBaseSchema(): readonly DocumentNode[] {
  return files.map((file) =>
    gql(readFileSync(new URL(`../../schema/${file}.graphql`, import.meta.url), 'utf8')),
  );
}
