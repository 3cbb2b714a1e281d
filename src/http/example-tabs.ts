import { keyOfPage } from './graphiql-guide.ts';

export interface ExampleTab {
  readonly query: string;
  readonly variables: string;
  readonly headers: string;
}

/** The user whom the sandbox assumes. Change it to see that users do not see each other's verifications. */
const headers = JSON.stringify({ 'x-user-id': 'sandbox-user' }, null, 2);

/** What a newcomer does with the tabs. */
export const exampleSteps = [
  'Run <b>Start</b>',
  'Open as the person, and pass',
  'Run <b>Outcome</b>',
  'Reload for a new key',
];

/**
 * GraphiQL's tabs. Each one runs as it is. The people are invented samples from the providers'
 * documentation.
 */
export const exampleTabs: readonly ExampleTab[] = [
  tab(
    `# 1 · Start an E证通 verification. Its link works once: reload the page to begin another one.
mutation Start($input: StartVerificationInput!) {
  startVerification(input: $input) {
    ... on StartVerificationSuccess {
      replayed
      verification {
        id
        status
        checks
        expiresAt
        launch { ... on VerificationRedirect { url } }
      }
    }
    ... on VerificationProblem { code message retry retryAfterMs billing }
    ... on VerificationInputProblem { fields { path message } }
    ... on VerificationProviderProblem { provider providerCode }
  }
}`,
    {
      input: {
        idempotencyKey: `${keyOfPage}-verification`,
        channel: 'E_ID',
        subject: { name: '韦小宝', idNumber: '11204416541220243X' },
        options: { tencentCnEId: { inputType: 'CALLER_PASSES' } },
      },
    },
  ),
  tab(
    `# 2 · How did my verification end? Starting again with the same key never starts a second one:
# it returns the first verification in its current state.
mutation Outcome($input: StartVerificationInput!) {
  startVerification(input: $input) {
    ... on StartVerificationSuccess {
      replayed
      verification {
        id
        status
        nextPollAfterMs
        outcome {
          code
          reason
          message
          similarity
          billing
          chargedAttempts
          details { ... on TencentCnEIdDetails { livenessMode attempts { at code charged } } }
        }
      }
    }
    ... on VerificationProblem { code message retry }
  }
}`,
    {
      input: {
        idempotencyKey: `${keyOfPage}-verification`,
        channel: 'E_ID',
        subject: { name: '韦小宝', idNumber: '11204416541220243X' },
        options: { tencentCnEId: { inputType: 'CALLER_PASSES' } },
      },
    },
  ),
  tab(
    `# 3 · Check a bank card. Run it again: the same key never pays twice.
mutation CheckCard($input: CheckBankCardInput!) {
  checkBankCard(input: $input) {
    ... on CheckBankCardSuccess {
      replayed
      check { id outcome matched reason code message billing checkedAt }
    }
    ... on VerificationProblem { code message retry retryAfterMs billing }
    ... on VerificationInputProblem { fields { path message } }
    ... on VerificationProviderProblem { provider providerCode }
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
  tab(
    `# 4 · Who can do what here?
query Providers {
  verificationProviders {
    id
    title
    enabled
    reason
    state
    jurisdiction
    channels {
      channel
      checks
      requires
      optionRequirements { option value requires }
      outcome
    }
    actions { name effect perSecond }
  }
}`,
    {},
  ),
];

function tab(query: string, variables: object): ExampleTab {
  return { query, variables: JSON.stringify(variables, null, 2), headers };
}
