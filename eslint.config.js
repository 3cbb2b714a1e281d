import { readFileSync } from 'node:fs';
import graphql from '@graphql-eslint/eslint-plugin';

// The rules for the schema. oxlint has those for TypeScript.

const file = 'schema/subgraph.graphql';

/**
 * The schema as graphql-eslint 4.4 can load it: for one that links to the federation spec it calls `@apollo/subgraph` in
 * a way that version 2.15 does not take. So the directives are defined here.
 */
const loadable = `
  directive @key(fields: String!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
  directive @shareable repeatable on OBJECT | FIELD_DEFINITION
  directive @tag(name: String!) repeatable on ENUM_VALUE | FIELD_DEFINITION | OBJECT
  directive @authenticated on FIELD_DEFINITION
  directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION
  directive @cost(weight: Int!) on FIELD_DEFINITION
  directive @listSize(
    assumedSize: Int
    slicingArguments: [String!]
    sizedFields: [String!]
    requireOneSlicingArgument: Boolean = true
  ) on FIELD_DEFINITION
  directive @link(url: String!, import: [String]) repeatable on SCHEMA
  ${readFileSync(file, 'utf8').replace(/^extend schema.*$/mu, '')}
`;

export default [
  {
    files: [file],
    plugins: { '@graphql-eslint': graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: loadable } },
    },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      // `npm run schema:print` decides the form.
      '@graphql-eslint/description-style': 'off',
      // Outcomes, problems and launches are values, not things with an identity.
      '@graphql-eslint/strict-id-in-types': 'off',
      '@graphql-eslint/require-description': [
        'error',
        {
          types: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
          DirectiveDefinition: true,
        },
      ],
    },
  },
];
