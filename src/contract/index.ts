export * from './fault.ts';
export type * from './field-problem.ts';
export * from './input-checks.ts';
export * from './outcome.ts';
export * from './plain-code.ts';
export * from './ports.ts';
export * from './problem-list.ts';
export * from './provider.ts';
export * from './secret.ts';
