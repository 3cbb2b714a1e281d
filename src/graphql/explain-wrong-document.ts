import type { WrongVariable } from './explain-wrong-variable.ts';

/** A name that somebody may have mistyped. Others could be data. */
const name = '(?!\\w*\\d{4})[_A-Za-z]\\w{0,63}';
const pattern = (text: string): RegExp => new RegExp(text.replaceAll('<name>', `(${name})`), 'u');

// The messages of graphql-js 16 (its validation rules and valueFromAST), which may repeat values. Only names and types
// are read.
const readers: readonly (readonly [RegExp, string])[] = [
  [pattern('^Field "<name>\\.<name>" of required type'), '$1.$2 is required'],
  [pattern('^Field "<name>" is not defined by type "<name>"'), '$2.$1 is not a field'],
  [pattern('^Field "<name>" argument "<name>" of type .* is required'), '$1.$2 is required'],
  [pattern('^Argument "<name>" of (?:non-null|required) type'), '$1 must not be null'],
  [pattern('^Argument "<name>" has invalid value'), '$1 is not valid'],
  [pattern('^Cannot query field "<name>" on type "<name>"'), '$2.$1 is not a field'],
  [pattern('^Unknown argument "<name>" on field "<name>\\.<name>"'), '$2.$3.$1 is not an argument'],
  [pattern('^Unknown type "<name>"'), '$1 is not a type'],
  [pattern('does not exist in "<name>" enum'), '$1 must be one of its values'],
  [pattern('^Enum "<name>" cannot represent'), '$1 must be one of its values, without quotes'],
  [pattern('^OneOf Input Object "<name>"'), '$1 must have exactly one field'],
  [pattern('^Variable "\\$<name>" is not defined'), '$$$1 is not declared'],
  [pattern('^Variable "\\$<name>" is never used'), '$$$1 is not used'],
  [
    pattern('^Variable "\\$<name>" of type .* expecting type "(\\[?\\w+[!\\]]*)"'),
    '$$$1 must be of the type $2',
  ],
  [pattern('^Field "<name>" of type .* must have a selection'), '$1 needs a selection of fields'],
  [pattern('^Expected value of type "(\\[?\\w+[!\\]]*)"'), '$1 has another value'],
  [pattern('^<name> cannot represent'), '$1 cannot have this value'],
];

/** Says what is wrong in a document, from a message of graphql-js. Null if the message is about something else. */
export function explainWrongDocument(message: string): WrongVariable | null {
  for (const [expected, text] of readers) {
    const found = expected.exec(message)?.[0];
    if (found === undefined) continue;
    const [path = '', ...words] = found.replace(expected, text).split(' ');
    return { path, message: words.join(' ') };
  }
  return null;
}
