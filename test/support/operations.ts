import { print } from 'graphql';
import { gql } from 'graphql-tag';

const anyProblem = '... on VerificationProblem { code message retry retryAfterMs billing }';
const problem = `
  ${anyProblem}
  ... on VerificationInputProblem { fields { path message } }
  ... on VerificationProviderProblem { provider providerCode providerRequestId }
`;

const verification = `
  id channel status sandbox checks createdAt expiresAt lastCheckedAt nextPollAfterMs extra
  provider { id title enabled }
  user { id }
  launch {
    __typename
    ... on VerificationRedirect { url longUrl token }
    ... on VerificationSdkToken { token clientConfig }
    ... on VerificationMiniProgram { token url longUrl }
  }
  outcome {
    code reason message similarity completedAt evidence billing chargedAttempts
    details {
      __typename
      ... on TencentCnEIdDetails {
        idType livenessMode faceCode intentionMode intentionCode
        attempts { at code similarity charged livenessMode }
      }
      ... on TencentCnFaceSdkDetails { deviceRiskLevel riskTags }
      ... on OemcloudFaceDetails { livingScore }
    }
  }
`;

export const startMutation = print(gql`
  mutation ($input: StartVerificationInput!) {
    startVerification(input: $input) {
      __typename
      ... on StartVerificationSuccess { replayed reused verification { ${verification} } }
      ${problem}
    }
  }
`);

export const verificationQuery = print(gql`
  query ($id: ID!) { verification(id: $id) { ${verification} } }
`);

export const checkMutation = print(gql`
  mutation ($input: CheckBankCardInput!) {
    checkBankCard(input: $input) {
      __typename
      ... on CheckBankCardSuccess {
        replayed cached stored
        check { id outcome matched reason code message billing checkedAt sandbox sourceCheckId
          provider { id } user { id } }
      }
      ${problem}
    }
  }
`);

export const checkQuery = print(gql`
  query ($id: ID!) {
    bankCardCheck(id: $id) {
      id
      outcome
      reason
    }
  }
`);

export const redactVerificationMutation = print(gql`
  mutation ($id: ID!) {
    redactVerification(id: $id) {
      __typename
      ... on RedactVerificationSuccess { verification { ${verification} redactedAt } }
      ${anyProblem}
    }
  }
`);

export const redactUserMutation = print(gql`
  mutation ($userId: ID!) {
    redactUserData(userId: $userId) {
      __typename
      ... on RedactUserDataSuccess { verifications checks }
      ${anyProblem}
    }
  }
`);

/** The query of a gateway for the fields that are added to the User of another subgraph. */
export const userQuery = print(gql`
  query (
    $users: [_Any!]!
    $first: Int = 10
    $after: String
    $checks: [VerificationCheckKind!]
    $maxAgeDays: Int
  ) {
    _entities(representations: $users) {
      ... on User {
        id
        verifications(first: $first, after: $after) {
          edges {
            cursor
            node {
              id
              status
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
        latestPassedVerification(checks: $checks, maxAgeDays: $maxAgeDays) {
          id
          checks
        }
      }
    }
  }
`);
