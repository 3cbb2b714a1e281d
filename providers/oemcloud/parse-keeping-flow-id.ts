/** JSON in which a flowId of 19 digits, given as a number, does not lose its last ones. */
export function parseKeepingFlowId(text: string): unknown {
  return JSON.parse(text, (key, value: unknown, context?: { readonly source?: string }) =>
    key === 'flowId' && typeof value === 'number' ? (context?.source ?? value) : value,
  );
}
