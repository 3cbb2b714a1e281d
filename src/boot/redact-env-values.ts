/** Shorter values of the environment are ordinary words, not secrets. */
const shortestSecret = 8;

/** The first line of a message of foreign code, without values of the environment. */
export function redactEnvValues(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const [line = ''] = text.replace(/[^\P{Cc}\n]/gu, '').split('\n');
  return Object.values(env)
    .filter((value): value is string => value !== undefined && value.length >= shortestSecret)
    .reduce((said, value) => said.replaceAll(value, '[a setting]'), line);
}
