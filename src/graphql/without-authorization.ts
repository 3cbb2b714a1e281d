import { Kind, visit, type DocumentNode } from 'graphql';

const authorization = ['authenticated', 'requiresScopes'];

/**
 * The SDL without @authenticated and @requiresScopes. A gateway that does not enforce them, such as @apollo/gateway, refuses
 * a supergraph that has them. This service checks the same scopes itself.
 */
export function withoutAuthorization(document: DocumentNode): DocumentNode {
  return visit(document, {
    Directive: (node) => {
      if (authorization.includes(node.name.value)) return null;
      if (node.name.value !== 'link') return undefined;
      const given = node.arguments?.map((argument) => {
        if (argument.value.kind !== Kind.LIST) return argument;
        const values = argument.value.values.filter(
          (each) =>
            each.kind !== Kind.STRING || !authorization.includes(each.value.replace(/^@/u, '')),
        );
        return { ...argument, value: { ...argument.value, values } };
      });
      return { ...node, arguments: given };
    },
  });
}
