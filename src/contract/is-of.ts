/**
 * Whether a value carries a brand. A plugin may bring a copy of the contract of its own, whose classes
 * `instanceof` would not know; their brands are the same.
 */
export function isOf(brand: symbol, value: unknown): boolean {
  return typeof value === 'object' && value !== null && brand in value;
}
