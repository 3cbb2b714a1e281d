import type { Orders } from '../magic.ts';

/**
 * Pages and SDKs disagree on which members are numbers and which are text. `types=text` turns all of them
 * into text; `types=number` turns text that looks like a number into a number.
 */
export function withTypes(
  orders: Orders,
  answer: Record<string, unknown>,
): Record<string, unknown> {
  const types = orders.get('types');
  if (types !== 'text' && types !== 'number') return answer;
  const convert = (value: unknown): unknown => {
    if (types === 'text' && typeof value === 'number') return String(value);
    const isDigits = typeof value === 'string' && /^-?\d{1,6}(?:\.\d+)?$/u.test(value);
    if (types === 'number' && isDigits) return Number(value);
    if (Array.isArray(value)) return value.map(convert);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, convert(each)]));
  };
  return convert(answer) as Record<string, unknown>;
}
