/** What a caller may do. Without `verification:any-user` a caller may act only for and on themselves. */
export const scopes = [
  'verification:start',
  'verification:read',
  'bankcard:check',
  'verification:redact',
  'verification:any-user',
  'verification:identity',
] as const;

export type Scope = (typeof scopes)[number];

/** The authenticated caller, as the HTTP layer established it. */
export interface Caller {
  readonly tenantId: string;
  readonly userId: string;
  readonly scopes: ReadonlySet<Scope>;
  /** When the proof of who it is expires, in epoch ms; absent if it does not. */
  readonly expiresAtMs?: number;
}

/** Access is refused. Only a missing scope is named: nothing else may reveal why. */
export class AccessDenied extends Error {
  override readonly name = 'AccessDenied';
  readonly scope: Scope | null;

  constructor(scope: Scope | null = null) {
    super('not allowed');
    this.scope = scope;
  }
}

/** The caller is not authenticated. The message is fixed for the same reason. */
export class Unauthenticated extends Error {
  override readonly name = 'Unauthenticated';
  /** Whose proof is missing. For operators; the caller is not told. */
  readonly by: 'router_secret' | 'caller';

  constructor(by: Unauthenticated['by'] = 'caller') {
    super('not known');
    this.by = by;
  }
}

export function demandScope(caller: Caller, scope: Scope): void {
  if (!caller.scopes.has(scope)) throw new AccessDenied(scope);
}

/** The user that an operation is for: the caller, or another user if the scope allows it. */
export function resolveUserId(caller: Caller, asked: string | null): string {
  if (asked === null || asked === caller.userId) return caller.userId;
  demandScope(caller, 'verification:any-user');
  return asked;
}

/** The owner of a record: the user it is about, and the caller who started it. */
export interface Owner {
  readonly tenantId: string;
  readonly userId: string;
  readonly callerId: string;
}

export function mayRead(caller: Caller, owner: Owner): boolean {
  return caller.tenantId === owner.tenantId && (isParty(caller, owner) || mayReadAnybody(caller));
}

/**
 * Whether the caller may list the records of a user. If not, the list is not read at all, so that the time of
 * the response does not reveal its length.
 */
export function mayList(caller: Caller, userId: string): boolean {
  return userId === caller.userId || mayReadAnybody(caller);
}

/** A launch is handed only to the user and the caller who started it. No scope allows more. */
export function mayLaunch(caller: Caller, owner: Owner): boolean {
  return caller.tenantId === owner.tenantId && isParty(caller, owner);
}

function isParty(caller: Caller, owner: Owner): boolean {
  return caller.userId === owner.userId || caller.userId === owner.callerId;
}

function mayReadAnybody(caller: Caller): boolean {
  return caller.scopes.has('verification:any-user');
}
