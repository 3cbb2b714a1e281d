import type { ExampleTab } from '../../src/http/example-tabs.ts';
import { keyOfPage } from '../../src/http/graphiql-guide.ts';

const headers = JSON.stringify({ 'x-user-id': 'ann' }, null, 2);

function tab(query: string, variables: object = {}): ExampleTab {
  return { query, variables: JSON.stringify(variables, null, 2), headers };
}

/** What a newcomer does with the tabs. */
export const steps = [
  'Run <b>Start</b>, and copy the id into <b>Ended</b>',
  'Run <b>Ended</b>: it waits',
  'Open as the person, and pass: <b>Ended</b> gets it',
  'Run the other tabs',
];

/** GraphiQL's tabs in front of the supergraph. */
export const tabs: readonly ExampleTab[] = [
  tab(
    `# 1 · Ann starts a verification. Its link works once: reload the page to begin another one.
mutation Start($input: StartVerificationInput!) {
  startVerification(input: $input) {
    ... on StartVerificationSuccess {
      verification { id status launch { ... on VerificationRedirect { url } } }
    }
    ... on VerificationProblem { code message retry }
    ... on VerificationInputProblem { fields { path message } }
  }
}`,
    { input: { idempotencyKey: `${keyOfPage}-verification`, channel: 'E_ID' } },
  ),
  tab(
    `# 2 · Waits until the verification ends, and is told at once. Paste the id of the start below.
subscription Ended($id: ID!) {
  verificationEnded(id: $id) {
    id
    status
    outcome { reason message }
    user { name }
  }
}`,
    { id: 'paste the id of the start here' },
  ),
  tab(`# 3 · Two subgraphs in one query: accounts know Ann, verification-subgraph knows what she passed.
query WhoIsVerified {
  users {
    name
    email
    latestPassedVerification(checks: [FACE_MATCH], maxAgeDays: 30) {
      status
      checks
      provider { title jurisdiction }
    }
    verifications(first: 3) { edges { node { id status createdAt } } }
  }
}`),
  tab(
    `# 4 · A bank card check through the gateway.
mutation Check($input: CheckBankCardInput!) {
  checkBankCard(input: $input) {
    ... on CheckBankCardSuccess { check { outcome matched reason billing } }
    ... on VerificationProblem { code message retry billing }
  }
}`,
    {
      input: {
        idempotencyKey: `${keyOfPage}-card`,
        subject: { name: '韦小宝', idNumber: '11204416541220243X' },
        cardNumber: '6225768888888888',
        phone: '16137688175',
      },
    },
  ),
];
