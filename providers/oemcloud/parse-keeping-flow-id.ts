/**
 * Parses JSON. A numeric flowId of 19 digits is kept as text, because a number would lose its last digits.
 */
export function parseKeepingFlowId(text: string): unknown {
  return JSON.parse(text, (key, value: unknown, context?: { readonly source?: string }) =>
    key === 'flowId' && typeof value === 'number' ? (context?.source ?? value) : value,
  );
}
