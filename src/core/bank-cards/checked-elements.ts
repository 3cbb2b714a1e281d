import {
  bankCardElements,
  type AnyProvider,
  type BankCardElement,
  type BankCardVariant,
  type FieldProblem,
} from '../../contract/index.ts';

/** The part of an input that says what is checked. Null: not given. */
export interface ElementsInput {
  readonly subject: { readonly name: string | null; readonly idNumber: string | null };
  readonly phone: string | null;
  readonly elements: readonly BankCardElement[] | null;
}

const pathOf = {
  CARD_NUMBER: 'cardNumber',
  NAME: 'subject.name',
  ID_NUMBER: 'subject.idNumber',
  PHONE: 'phone',
} as const satisfies Record<BankCardElement, string>;

/** What is checked: all that was given. */
export function checkedElements({
  subject,
  phone,
}: Pick<ElementsInput, 'subject' | 'phone'>): readonly BankCardElement[] {
  const isGiven: Readonly<Record<BankCardElement, boolean>> = {
    CARD_NUMBER: true,
    NAME: subject.name !== null,
    ID_NUMBER: subject.idNumber !== null,
    PHONE: phone !== null,
  };
  return bankCardElements.filter((element) => isGiven[element]);
}

/** An element that is asked for and missing, or given and not asked for: nothing is ignored in silence. */
export function findElementProblems(input: ElementsInput): readonly FieldProblem[] {
  const { elements } = input;
  if (elements === null) return [];
  const given = checkedElements(input);
  const missing = elements.filter((element) => !given.includes(element));
  const unasked = given.filter((element) => !elements.includes(element));
  return [
    ...missing.map((element) => ({
      path: pathOf[element],
      message: 'is needed: elements names it',
    })),
    ...unasked.map((element) =>
      element === 'CARD_NUMBER'
        ? { path: 'elements', message: 'must include CARD_NUMBER' }
        : { path: pathOf[element], message: 'is given, and elements does not name it' },
    ),
  ];
}

/** The variant of a provider that checks exactly these elements. */
export function findVariant(
  { bankCard }: Pick<AnyProvider, 'bankCard'>,
  elements: readonly BankCardElement[],
): BankCardVariant<unknown> | undefined {
  return bankCard?.variants.find(
    (variant) =>
      variant.elements.length === elements.length &&
      elements.every((element) => variant.elements.includes(element)),
  );
}

/** The sets that can be checked, for a message: `CARD_NUMBER + NAME; CARD_NUMBER + NAME + ID_NUMBER`. */
export function listSets(definitions: readonly Pick<AnyProvider, 'bankCard'>[]): string {
  const sets = definitions.flatMap(({ bankCard }) =>
    (bankCard?.variants ?? []).map(({ elements }) =>
      bankCardElements.filter((element) => elements.includes(element)).join(' + '),
    ),
  );
  return [...new Set(sets)].join('; ');
}
