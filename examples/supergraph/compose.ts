import { composeServices } from '@apollo/composition';
import type { DocumentNode } from 'graphql';

export interface Subgraph {
  readonly name: string;
  readonly url: string;
  readonly typeDefs: DocumentNode;
}

/** The supergraph's SDL; throws what the composer says. */
export function compose(subgraphs: readonly Subgraph[]): string {
  const { supergraphSdl, errors } = composeServices([...subgraphs]);
  if (supergraphSdl === undefined) {
    throw new Error(errors?.map(({ message }) => message).join('\n') ?? 'no supergraph');
  }
  return supergraphSdl;
}
