/** Own types begin with Doclens. */
export const typeDefs = `
extend enum VerificationChannel {
  "A document by its photos, which come with the start: nobody has to open anything."
  DOCLENS_DOCUMENT
}

extend enum VerificationOutcomeReason {
  "The document has expired."
  DOCLENS_DOCUMENT_EXPIRED
  "The document was altered."
  DOCLENS_DOCUMENT_TAMPERED
}

extend input VerificationOptionsInput {
  "A document by its photos (channel DOCLENS_DOCUMENT)."
  doclensDocument: DoclensDocumentOptionsInput
}

extend union VerificationOutcomeDetails = DoclensDocumentDetails

"The document that is to be checked."
input DoclensDocumentOptionsInput {
  "The kind of document."
  type: DoclensDocumentType!
  "Who issued it, as ISO 3166-1 alpha-3."
  country: String!
  "A photo of its front, base64 of at most 4 MB."
  front: String!
  "A photo of its back; not for passports."
  back: String
}

"The kind of document."
enum DoclensDocumentType {
  "A passport."
  PASSPORT
  "An identity card."
  ID_CARD
  "A driving licence."
  DRIVING_LICENCE
}

"What a document check tells beyond the common fields. Nothing that stands in the document."
type DoclensDocumentDetails {
  "What the vendor took it for."
  documentType: String
  "As ISO 3166-1 alpha-3."
  issuingCountry: String
  "What the vendor found doubtful."
  warnings: [String!]!
}
`;
