export type * from './publish.ts';
export type * from './breaker.ts';
export * from './limiter.ts';
export type * from './log.ts';
export type * from './metrics.ts';
export * from './store.ts';
export * from './upstream.ts';
export type * from './velocity.ts';
export type * from './follow-ups.ts';
