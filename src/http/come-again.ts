/** The service is overloaded or shutting down. */
export class ComeAgain extends Error {
  override readonly name = 'ComeAgain';
  readonly statusCode = 503;
}
