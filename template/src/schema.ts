/** Own types begin with MyProvider; of the others only these may be extended. */
export const typeDefs = `
extend enum VerificationChannel {
  "The web page of My provider."
  MY_PROVIDER_WEB
}

extend enum VerificationOutcomeReason {
  "The document was too dark to be read."
  MY_PROVIDER_DOCUMENT_TOO_DARK
}

extend input VerificationOptionsInput {
  "The web page of My provider (channel MY_PROVIDER_WEB)."
  myProviderWeb: MyProviderWebOptionsInput
}

extend union VerificationOutcomeDetails = MyProviderWebDetails

"The knobs of the web page."
input MyProviderWebOptionsInput {
  "The language of the page; EN if it is not given."
  language: MyProviderLanguage
}

"The language of the page."
enum MyProviderLanguage {
  "English."
  EN
  "Chinese."
  ZH
}

"What the web page tells beyond the common fields."
type MyProviderWebDetails {
  "Where the document is from, as ISO 3166-1 alpha-3."
  documentCountry: String
}
`;
