/** Shorter values of the environment are words, and no secrets. */
const shortestSecret = 8;

/** What somebody else's code says, without what is set here. */
export function redactEnvValues(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const [line = ''] = text.replace(/[^\P{Cc}\n]/gu, '').split('\n');
  return Object.values(env)
    .filter((value): value is string => value !== undefined && value.length >= shortestSecret)
    .reduce((said, value) => said.replaceAll(value, '[a setting]'), line);
}
