/** What a caller may do. Without `verification:any-user` only for and about themselves. */
export const scopes = [
  'verification:start',
  'verification:read',
  'bankcard:check',
  'verification:redact',
  'verification:any-user',
] as const;

export type Scope = (typeof scopes)[number];

/** Who calls, as the HTTP side established it. */
export interface Caller {
  readonly tenantId: string;
  readonly userId: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** Access is refused. The text is fixed, so that nothing can be told apart. */
export class AccessDenied extends Error {
  override readonly name = 'AccessDenied';

  constructor() {
    super('not allowed');
  }
}

/** Nobody known calls. The text is fixed, as above. */
export class Unauthenticated extends Error {
  override readonly name = 'Unauthenticated';

  constructor() {
    super('not known');
  }
}

export function demandScope(caller: Caller, scope: Scope): void {
  if (!caller.scopes.has(scope)) throw new AccessDenied();
}

/** The user an operation is for: the caller, or another one if the scope allows it. */
export function resolveUserId(caller: Caller, asked: string | null): string {
  if (asked === null || asked === caller.userId) return caller.userId;
  demandScope(caller, 'verification:any-user');
  return asked;
}

/** Whom something belongs to: the user it is about, and the caller who started it. */
export interface Owner {
  readonly tenantId: string;
  readonly userId: string;
  readonly callerId: string;
}

export function mayRead(caller: Caller, owner: Owner): boolean {
  return caller.tenantId === owner.tenantId && (isParty(caller, owner) || mayReadAnybody(caller));
}

/**
 * Whose lists may be asked for: whoever else's is not even looked at, so that time and deadlines tell
 * nothing of how long it is.
 */
export function mayList(caller: Caller, userId: string): boolean {
  return userId === caller.userId || mayReadAnybody(caller);
}

/** Launches are handed to the parties only, whatever scopes somebody else has. */
export function mayLaunch(caller: Caller, owner: Owner): boolean {
  return caller.tenantId === owner.tenantId && isParty(caller, owner);
}

function isParty(caller: Caller, owner: Owner): boolean {
  return caller.userId === owner.userId || caller.userId === owner.callerId;
}

function mayReadAnybody(caller: Caller): boolean {
  return caller.scopes.has('verification:any-user');
}
