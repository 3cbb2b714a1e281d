import { coercedVariables } from '../coerced-variables.ts';
import type { ResolvedOperation } from './operation-events.ts';
import { limits, overLimit } from '../limits.ts';
import { measureOperation } from '../measure-operation.ts';

/** Refuses an operation whose response would be too large, before any part of it is executed. */
export function limitWhatIsAsked({
  schema,
  document,
  operation,
  request,
}: ResolvedOperation): void {
  if (!operation) return;
  const asked = { schema, operation, variables: request.variables };
  const variables = coercedVariables(request, asked) ?? {};
  const measure = measureOperation({ schema, document, operation, variables });
  for (const limit of ['representations', 'listed', 'fields'] as const) {
    if (measure[limit] > limits[limit]) throw overLimit(limit);
  }
}
