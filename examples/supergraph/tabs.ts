import type { ExampleTab } from '../../src/http/example-tabs.ts';

const headers = JSON.stringify({ 'x-user-id': 'ann' }, null, 2);

function tab(query: string, variables: object = {}): ExampleTab {
  return { query, variables: JSON.stringify(variables, null, 2), headers };
}

/** GraphiQL's tabs in front of the supergraph. */
export const tabs: readonly ExampleTab[] = [
  tab(
    `# 1 · Ann starts a verification. Open launch.url in a new browser tab, and pass.
mutation Start($input: StartVerificationInput!) {
  startVerification(input: $input) {
    ... on StartVerificationSuccess {
      verification { id status launch { ... on VerificationRedirect { url } } }
    }
    ... on VerificationProblem { code message retry }
    ... on VerificationInputProblem { fields { path message } }
  }
}`,
    { input: { idempotencyKey: 'ann-1', channel: 'E_ID' } },
  ),
  tab(`# 2 · Two subgraphs in one query: accounts know Ann, verification-subgraph knows what she passed.
query WhoIsVerified {
  users {
    name
    email
    latestPassedVerification(checks: [FACE_MATCH], maxAgeDays: 90) {
      status
      checks
      provider { title jurisdiction }
    }
    verifications(first: 3) { edges { node { id status createdAt } } }
  }
}`),
  tab(
    `# 3 · A bank card check through the gateway.
mutation Check($input: CheckBankCardInput!) {
  checkBankCard(input: $input) {
    ... on CheckBankCardSuccess { check { outcome matched reason billing } }
    ... on VerificationProblem { code message retry billing }
  }
}`,
    {
      input: {
        idempotencyKey: 'ann-card-1',
        subject: { name: '韦小宝', idNumber: '11204416541220243X' },
        cardNumber: '6225768888888888',
        phone: '16137688175',
      },
    },
  ),
];
