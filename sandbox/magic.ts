/** Faults of the wire itself, independent of the provider. */
export const wireFaults = [
  'wire-timeout',
  'wire-reset',
  'wire-html',
  'wire-truncated',
  'wire-redirect',
  'wire-empty',
  'wire-500',
  'wire-503',
] as const;

export type WireFault = (typeof wireFaults)[number];

/** The orders of a tester, by action: a result code, an error code or a wire fault. */
export type Orders = ReadonlyMap<string, string>;

/**
 * Reads orders from free text: `sandbox:GetEidResult=2016`, or several of them, separated by blanks. The
 * action's name may be left out if only one is possible: `sandbox:-13`.
 */
export function readOrders(text: string | undefined, defaultAction: string): Orders {
  const orders = new Map<string, string>();
  for (const [, action, code] of (text ?? '').matchAll(/sandbox:(?:([\w/-]+)=)?([\w.,-]+)/gu)) {
    if (code !== undefined) orders.set(action ?? defaultAction, code);
  }
  return orders;
}

export function isWireFault(code: string | undefined): code is WireFault {
  return wireFaults.includes(code as WireFault);
}

export function isNumeric(code: string | undefined): code is string {
  return code !== undefined && /^-?\d+$/u.test(code);
}
