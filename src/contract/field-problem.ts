/** One wrong field. The path is that of the GraphQL input; the message never holds the value. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}
