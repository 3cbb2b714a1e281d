/**
 * Whether a value carries a brand symbol. A plugin may bring its own copy of the contract; `instanceof`
 * does not recognise the classes of that copy, but the brand symbols are the same.
 */
export function isOf(brand: symbol, value: unknown): boolean {
  return typeof value === 'object' && value !== null && brand in value;
}
