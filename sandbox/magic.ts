/** A fault of the wire itself, below anything the provider would say. */
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

/** What a tester ordered, by action: a result code, an error code or a wire fault. */
export type Orders = ReadonlyMap<string, string>;

/**
 * Reads orders out of free text: `sandbox:GetEidResult=2016`, or several of them, separated by
 * blanks. Where only one action can be meant its name may be left out: `sandbox:-13`.
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
