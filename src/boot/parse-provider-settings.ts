import type { AnyProvider } from '../contract/index.ts';
import { settingPrefix } from './setting-names.ts';

/** The end of the line about a missing setting. */
export const missing = ' is needed.';

/** The settings as parsed by the plugin's schema, or one line per mistake, with the full name. */
export function parseProviderSettings(
  definition: AnyProvider,
  given: Readonly<Record<string, string>>,
): { readonly settings: unknown } | { readonly wrong: readonly string[] } {
  const prefix = settingPrefix(definition.id);
  const name = `provider "${definition.id}"`;
  let parsed: ReturnType<AnyProvider['settings']['~standard']['validate']>;
  try {
    parsed = definition.settings['~standard'].validate(given);
  } catch {
    return { wrong: [`${name}: its schema of settings throws. It must return issues.`] };
  }
  if (parsed instanceof Promise) {
    // Nothing awaits it, so its rejection would end the process.
    parsed.catch(() => {});
    return {
      wrong: [`${name}: its schema of settings is asynchronous. It must be synchronous.`],
    };
  }
  if (typeof parsed !== 'object' || parsed === null) {
    return { wrong: [`${name}: its schema of settings returns neither a value nor issues.`] };
  }
  if (!parsed.issues) return { settings: parsed.value };
  return {
    wrong: parsed.issues.flatMap((issue) => {
      // zod reports unknown names without a path.
      const keys = 'keys' in issue && Array.isArray(issue.keys) ? issue.keys.map(String) : [];
      if (keys.length > 0) {
        return keys.map((each) => `${prefix}${each} is not a setting of ${definition.id}.`);
      }
      const [first = ''] = (issue.path ?? []).map((part) =>
        String(typeof part === 'object' ? part.key : part),
      );
      const setting = `${prefix}${first}`;
      return [
        given[first] === undefined
          ? `${setting}${missing}`
          : `${setting} ${withoutValues(issue.message, given)}.`,
      ];
    }),
  };
}

/** A shorter value can occur inside an ordinary word by chance. */
const shortestSecret = 4;

/** Some schema libraries repeat the value in their message. Such a message is replaced. */
function withoutValues(message: string, given: Readonly<Record<string, string>>): string {
  const isOurs = Object.values(given).every(
    (value) => value.length < shortestSecret || !message.includes(value),
  );
  return isOurs ? message : 'is not valid';
}
