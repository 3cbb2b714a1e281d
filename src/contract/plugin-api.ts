/**
 * The public API for provider plugins: `import … from 'verification-subgraph/provider'`.
 *
 * It follows semantic versioning. docs/adding-a-provider.md says which changes break a plugin.
 */
export { ended } from './ended.ts';
export {
  isFault,
  ProviderErrorResponse,
  ProviderFault,
  type FaultKind,
  type ProviderFaultDetails,
} from './fault.ts';
export type { FieldProblem } from './field-problem.ts';
export {
  checkAge,
  checkBase64Image,
  checkCardNumber,
  checkIdNumber,
  checkIdNumberChecksum,
  checkLuhn,
  checkName,
  checkPhone,
  checkText,
} from './input-checks.ts';
export { lookUp } from './look-up.ts';
export type { ActionEffect } from './action-effect.ts';
export type * from './outcome.ts';
export type { UpstreamResponse, UpstreamRequest } from './upstream.ts';
export { createProblemList, type ProblemList } from './problem-list.ts';
export { contractVersion, defineProvider } from './provider.ts';
export type * from './provider.ts';
export { sanitizeCode } from './sanitize-code.ts';
export { Secret } from './secret.ts';
