// The operations of the client. `npm run codegen` makes the types of their variables and results. They are written as
// short as possible, because each page loads them.

const verification = `fragment V on Verification{id status phase nextPollAfterMs launchState redactedAt
launch{__typename ...on VerificationRedirect{url longUrl token}...on VerificationSdkToken{token clientConfig}...on VerificationMiniProgram{token url longUrl}}
outcome{reason message zh:userMessage(language:ZH)en:userMessage(language:EN)}}`;

const problem = '...on VerificationProblem{code message retry retryAfterMs}';

export const startDocument = `mutation StartVerification($input:StartVerificationInput!){startVerification(input:$input){__typename ...on StartVerificationSuccess{verification{...V}}${problem}...on VerificationInputProblem{fields{path message}}}}${verification}`;

export const cancelDocument = `mutation CancelVerification($id:ID!){cancelVerification(id:$id){__typename ...on CancelVerificationSuccess{verification{...V}}${problem}}}${verification}`;

export const readDocument = `query ReadVerification($id:ID!){verification(id:$id){...V}}${verification}`;

export const endedDocument = `subscription VerificationEnded($id:ID!){verificationEnded(id:$id){...V}}${verification}`;
