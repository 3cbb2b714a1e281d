import { settingRows } from './settings.ts';

/** The table of docs/settings.md, in Markdown: name, default, when needed, secret or not, meaning. */
export function settingsTable(): string {
  const rows = settingRows.map(([name, { default: text, neededWith = {}, isSecret, meaning }]) => [
    `\`${name}\``,
    text,
    Object.keys(neededWith)
      .map((cause) => (/^[A-Z]/u.test(cause) ? `\`${cause}\`` : cause))
      .join(', '),
    isSecret ? 'yes' : '',
    meaning,
  ]);
  return [
    ['name', 'default', 'needed with', 'secret', 'meaning'],
    Array.from({ length: 5 }, () => '---'),
    ...rows,
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
