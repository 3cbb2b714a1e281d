/** One invalid field. `path` is its path in the GraphQL input. `message` never contains the value. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}
