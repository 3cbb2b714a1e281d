// `verification-subgraph/client`: for web pages and mini-programs. It has no dependency, and needs ES2022.

export * from './create-verification-client.ts';
export * from './http-transport.ts';
export type {
  StartVerificationInput,
  VerificationChannel,
  VFragment as Verification,
  VerificationLaunchState,
  VerificationStatus,
} from './generated.ts';
