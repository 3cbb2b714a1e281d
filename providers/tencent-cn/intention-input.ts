import { z } from 'zod';
import { checkText, type ProblemList } from '../../src/contract/plugin-api.ts';

// What a person states, as E证通 and the web flow take it. Limits: tencentcloud-sdk-nodejs 4.1.313.

export const questionsSchema = z
  .array(z.strictObject({ question: z.string(), answers: z.array(z.string()) }))
  .nullish();
export const actionsSchema = z.array(z.strictObject({ text: z.string() })).nullish();

type Questions = NonNullable<z.output<typeof questionsSchema>>;
type Actions = NonNullable<z.output<typeof actionsSchema>>;

export function toQuestions(
  rounds: Questions | null | undefined,
): readonly { Question: string; Answers: readonly string[] }[] | undefined {
  return rounds?.map(({ question, answers }) => ({ Question: question, Answers: answers }));
}

export function toActions(
  rounds: Actions | null | undefined,
): readonly { Text: string }[] | undefined {
  return rounds?.map(({ text }) => ({ Text: text }));
}

export function addTextProblems(problems: ProblemList, path: string, text: string | null): void {
  if (text !== null) problems.add(path, checkFilled(text) ?? checkText(text, 120));
}

export function addQuestionProblems(problems: ProblemList, path: string, rounds: Questions): void {
  problems.add(path, checkCount(rounds, 1, 10, 'rounds'));
  for (const [index, { question, answers }] of rounds.entries()) {
    const own = `${path}.${index}`;
    problems.add(`${own}.question`, checkFilled(question) ?? checkText(question, 250));
    problems.add(`${own}.answers`, checkCount(answers, 1, 50, 'answers'));
    for (const [position, answer] of answers.entries()) {
      problems.add(`${own}.answers.${position}`, checkFilled(answer) ?? checkText(answer, 10));
    }
  }
}

export function addActionProblems(
  problems: ProblemList,
  path: string,
  rounds: Actions,
  mostCharacters: number,
): void {
  problems.add(path, checkCount(rounds, 1, 10, 'rounds'));
  for (const [index, { text }] of rounds.entries()) {
    problems.add(`${path}.${index}.text`, checkFilled(text) ?? checkText(text, mostCharacters));
  }
}

function checkFilled(text: string): string | null {
  return text.trim() === '' ? 'must not be empty' : null;
}

function checkCount(
  list: readonly unknown[],
  min: number,
  max: number,
  what: string,
): string | null {
  return list.length < min || list.length > max ? `must have ${min} to ${max} ${what}` : null;
}
