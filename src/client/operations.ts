// The operations of the client. `npm run codegen` makes the types of their variables and results.

const verification = `fragment Verification on Verification {
id status phase nextPollAfterMs launchState redactedAt
launch {
__typename
... on VerificationRedirect { url longUrl token }
... on VerificationSdkToken { token clientConfig }
... on VerificationMiniProgram { token url longUrl }
}
outcome { reason message zh: userMessage(language: ZH) en: userMessage(language: EN) }
}`;

const problem = '... on VerificationProblem { code message retry retryAfterMs }';

export const startDocument = `mutation StartVerification($input: StartVerificationInput!) {
startVerification(input: $input) {
__typename
... on StartVerificationSuccess { verification { ...Verification } }
${problem}
... on VerificationInputProblem { fields { path message } }
}
}
${verification}`;

export const cancelDocument = `mutation CancelVerification($id: ID!) {
cancelVerification(id: $id) {
__typename
... on CancelVerificationSuccess { verification { ...Verification } }
${problem}
}
}
${verification}`;

export const readDocument = `query ReadVerification($id: ID!) {
verification(id: $id) { ...Verification }
}
${verification}`;

export const endedDocument = `subscription VerificationEnded($id: ID!) {
verificationEnded(id: $id) { ...Verification }
}
${verification}`;
