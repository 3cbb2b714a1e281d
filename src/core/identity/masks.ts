// The one rule for masks. A mask lets the person and a support agent recognise what they know already, and tells nobody
// else enough to use it. The length stays, because forms and letters show masks of this form (韦*宝).

const star = '*';
const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/**
 * A name in Chinese characters keeps its first and its last one: surnames may have one or two characters, so a rule by
 * surname would need a list. Names of two keep the first. Any other name keeps the first letter of each word.
 */
export function maskName(name: string): string {
  if (!/\p{Script=Han}/u.test(name)) return name.replaceAll(/[^\s-]+/gu, maskWord);
  const characters = charactersOf(name);
  const isLong = characters.length > 2;
  return characters
    .map((character, at) => {
      const isShown = at === 0 ? characters.length > 1 : isLong && at === characters.length - 1;
      return isShown ? character : star;
    })
    .join('');
}

/**
 * A number keeps three characters at the start and four at the end (112***********243X). The birth date of an ID
 * number is in between. Shorter numbers keep less, so that at least half is hidden.
 */
export function maskNumber(number: string): string {
  const characters = charactersOf(number);
  const { length } = characters;
  const [first, last] =
    length >= 15 ? [3, 4] : length >= 8 ? [1, 3] : length >= 4 ? [0, 2] : [0, 0];
  return characters
    .map((character, at) => (at < first || at >= length - last ? character : star))
    .join('');
}

function maskWord(word: string): string {
  const [first = '', ...others] = charactersOf(word);
  return others.length === 0 ? star : first + star.repeat(others.length);
}

function charactersOf(text: string): readonly string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}
