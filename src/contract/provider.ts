import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ActionEffect } from './action-effect.ts';
import type { FaultKind } from './fault.ts';
import type { FieldProblem } from './field-problem.ts';
import type { BankCardResult, CheckKind, OutcomeAnswer, Started } from './outcome.ts';
import type { UpstreamResponse, UpstreamRequest } from './upstream.ts';
import type { Secret } from './secret.ts';

/**
 * The version of this contract. A plugin states the one it was written for, and is loaded by no other.
 * It changes when a plugin that was right would no longer be: what that means is in
 * docs/adding-a-provider.md.
 */
export const contractVersion = 1;

export interface ActionDefinition {
  readonly effect: ActionEffect;
  /** Calls per second that the provider allows, over all replicas. */
  readonly perSecond: number;
  /** The action whose limit it counts against, where the provider limits several together. */
  readonly sharesLimitWith?: string;
  /** Largest answer that is read, in bytes. */
  readonly maxResponseBytes: number;
  /** Texts of more characters come empty: media that nobody here needs, dropped while reading. */
  readonly dropStringsOver?: number;
  /**
   * Error codes after which the request is built anew and sent once more: refusals of a nonce, or of
   * an access token that ended early (`renew`). Each
   * must be in `faults` with a kind that proves that nothing was performed.
   */
  readonly retryableCodes?: readonly string[];
}

/** How strictly checks that may wrongly refuse a person are applied. */
export type ChecksumMode = 'off' | 'warn' | 'strict';

/** What core knows when a plugin looks at an input. */
export interface PrepareContext<Settings> {
  readonly settings: Settings;
  readonly nowMs: number;
  /**
   * What a check found that may wrongly refuse a person (ID check digit, Luhn); null is nothing.
   * Whether it refuses follows INPUT_CHECKSUMS: the plugin states what it found and core decides.
   */
  readonly doubt: (path: string, message: string | null) => void;
}

/** The way to a provider that core lends for one operation. */
export interface ProviderCall<Settings> {
  readonly settings: Settings;
  readonly now: () => number;
  /**
   * Sends one request inside the limit and the deadline. Throws `ProviderFault`.
   *
   * In an operation that may be charged one such call is made, after whatever prepares it; calls that
   * only read may follow, and when one of those fails the operation ends `OUTCOME_UNKNOWN`.
   */
  readonly send: <T>(call: UpstreamCall<T>) => Promise<T>;
  /**
   * A token of ours that several operations use, such as an OAuth access token: fetched once for all
   * replicas, kept sealed until shortly before its end, forgotten when the provider refuses our
   * credentials. Never one that belongs to a person. Throws what `fetch` throws.
   */
  readonly accessToken: (name: string, fetch: () => Promise<AccessToken>) => Promise<Secret>;
}

export interface AccessToken {
  readonly token: string;
  readonly expiresInSeconds: number;
}

export interface UpstreamCall<T> {
  /** A key of the plugin's `actions`. */
  readonly action: string;
  /**
   * Called at the moment of sending, so that timestamps and nonces are fresh. `nonceMs` is the time
   * as well, but never the same twice in this process; where replicas must not meet either, take
   * randomness.
   */
  readonly build: (nowMs: number, nonceMs: number) => UpstreamRequest;
  /** Reads the answer. Throws `ProviderFault`; anything else that it throws counts as `protocol`. */
  readonly read: (answer: UpstreamResponse) => T;
  /** Runs before the call is sent once more (`retryableCodes`), as to have a new access token. */
  readonly renew?: () => Promise<void>;
}

export interface StartInput {
  readonly subject: { readonly name: string | null; readonly idNumber: string | null };
  readonly referenceImage: string | null;
  readonly extra: string | null;
  /** The value of this channel's options field, as the plugin's SDL types it; null if not given. */
  readonly options: unknown;
}

/** URLs of ours that carry a capability; never logged. */
export interface StartUrls {
  /** Where the provider sends the browser when the person is done. */
  readonly returnUrl: string;
  /** Where the provider sends its notification. */
  readonly notifyUrl: string;
  /**
   * Names this verification to providers that repeat a reference of ours, as in `referenceOf`. It
   * opens nothing by itself: 26 letters, digits, `_` and `-`.
   */
  readonly reference: string;
}

export type Prepared<Settings> =
  | { readonly problems: readonly FieldProblem[] }
  | {
      /** What a pass of this very verification attests. */
      readonly checks: readonly CheckKind[];
      readonly start: (call: ProviderCall<Settings>, urls: StartUrls) => Promise<Started>;
    };

/** How the outcome of a channel is learnt. */
export type OutcomeSource = 'QUERY' | 'NOTIFICATION' | 'NONE';

/** What came to `notifyUrl`. Whoever knows the URL can send it; nothing in it is to be trusted. */
export interface Notification {
  readonly method: 'GET' | 'POST';
  /** What stands behind the `?` of the URL, as it came; empty without one. */
  readonly query: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Exactly as it came, for signatures. */
  readonly body: Buffer;
}

/** What a plugin knows when a notification comes. */
export interface NotificationContext<Settings> {
  readonly settings: Settings;
  readonly nowMs: number;
}

/** Whether a notification was sent by the provider, as far as its signature says. */
export type NotificationProof =
  | {
      readonly kind: 'genuine';
      /**
       * The provider's own id of this delivery, or its signature where there is none: a second one with
       * the same id is not read again.
       */
      readonly deliveryId: string;
    }
  /** Missing or wrong signature, or signed too long ago. It is answered with 401, and not read. */
  | { readonly kind: 'refused' };

export interface NotificationDefinition<Settings> {
  /**
   * Checks the signature over the raw bytes, before anything is read. Null where the provider does not
   * sign: then nothing but the URL says who sent it.
   */
  readonly verify:
    | ((notification: Notification, context: NotificationContext<Settings>) => NotificationProof)
    | null;
  /**
   * What a notification says about this session; null when it says nothing about it. It counts only
   * where the channel's outcome is NOTIFICATION; elsewhere it makes core ask the provider.
   */
  readonly read: (
    notification: Notification,
    session: Started['session'],
    context: NotificationContext<Settings>,
  ) => OutcomeAnswer | null;
  /**
   * For providers that send every notification to one URL, set in their console: our `reference` as
   * the provider repeats it, read from a notification that `verify` has found genuine. That URL is
   * `/callbacks/<provider id>/account`.
   */
  readonly referenceOf?: (notification: Notification) => string | null;
  /** The body that the provider expects with HTTP 200. */
  readonly reply: { readonly contentType: string; readonly body: string };
}

export interface ChannelDefinition<Settings> {
  /** The action that starts a verification: its effect decides what a lost answer means. */
  readonly action: string;
  /** What a pass attests without options. */
  readonly checks: readonly CheckKind[];
  /** Input paths that are always needed. */
  readonly requires: readonly string[];
  /**
   * Members of this channel's options that hold an image in base64: with `referenceImage` the only
   * ones that make a request larger than 256 KB.
   */
  readonly imageOptions?: readonly string[];
  /** Where a setting decides, a function of the settings. */
  readonly outcome: OutcomeSource | ((settings: Settings) => OutcomeSource);
  /** The field of `VerificationOptionsInput` that belongs to this channel. */
  readonly optionsField: string | null;
  /** How often asking about a pending verification is worth it. */
  readonly pollEveryMs: number;
  /** How long after expiry a late outcome may still appear, in seconds. */
  readonly graceSeconds: number;
  /** How long the provider remembers an outcome, in seconds from the start. */
  readonly retentionSeconds: number;
  /** Pure: looks at the whole input and says everything that is wrong with it. */
  readonly prepare: (input: StartInput, context: PrepareContext<Settings>) => Prepared<Settings>;
  /** Needed where the outcome is, or may be, QUERY; `read` actions only. */
  readonly fetchOutcome?: (
    call: ProviderCall<Settings>,
    session: Started['session'],
  ) => Promise<OutcomeAnswer>;
  readonly notification?: NotificationDefinition<Settings>;
  /**
   * Present where a launch may be handed out again while it is pending, to the same user for the
   * same input; so long before its end it no longer is.
   */
  readonly reuse?: { readonly marginSeconds: number };
}

export interface BankCardInput {
  readonly subject: { readonly name: string | null; readonly idNumber: string | null };
  readonly cardNumber: string;
  readonly phone: string;
  readonly certType: number;
}

export type PreparedBankCardCheck<Settings> =
  | { readonly problems: readonly FieldProblem[] }
  | { readonly check: (call: ProviderCall<Settings>) => Promise<BankCardResult> };

export interface BankCardDefinition<Settings> {
  /** The action that `check` calls: its effect decides what a lost answer means. */
  readonly action: string;
  readonly prepare: (
    input: BankCardInput,
    context: PrepareContext<Settings>,
  ) => PreparedBankCardCheck<Settings>;
}

/** A resolver of a plugin's own type: no arguments beyond the parent, no context. */
export type PluginResolvers = Readonly<
  Record<string, Readonly<Record<string, (parent: unknown) => unknown>>>
>;

/** A provider: stateless data and small functions. */
export interface ProviderDefinition<Settings = unknown> {
  readonly contractVersion: typeof contractVersion;
  /** Lower case, digits and hyphens: `tencent-cn`. Its settings start with `TENCENT_CN_`. */
  readonly id: string;
  readonly title: string;
  readonly jurisdiction: 'CN' | 'INTL';
  /**
   * Validates the settings by their names without the prefix: `SECRET_ID`. Any library of Standard
   * Schema, such as zod; it refuses names that it does not know. Settings named `ENDPOINT`, or ending
   * with `_ENDPOINT`, are the URLs that are called.
   */
  readonly settings: StandardSchemaV1<unknown, Settings>;
  /** Names of those settings that, once given, mean that the real provider is called. */
  readonly credentials: readonly string[];
  readonly actions: Readonly<Record<string, ActionDefinition>>;
  /** The provider's error codes, or dotted prefixes of them. */
  readonly faults: Readonly<Record<string, FaultKind>>;
  readonly channels: Readonly<Record<string, ChannelDefinition<Settings>>>;
  readonly bankCard?: BankCardDefinition<Settings>;
  /** The plugin's SDL module: its own types and extensions of the extension points. */
  readonly typeDefs: string;
  readonly resolvers?: PluginResolvers;
  /** Loads the emulation of the provider; called in the sandbox only. */
  readonly sandbox?: () => Promise<StartSandboxUpstream>;
}

/** Starts an emulation of the provider on loopback, so that nothing real is called or charged. */
export type StartSandboxUpstream = (context: SandboxContext) => Promise<SandboxUpstream>;

export interface SandboxContext {
  readonly now: () => number;
  /** Settings that were given: some of them may choose among what is emulated. */
  readonly givenSettings: Readonly<Record<string, string>>;
  /** How a URL of ours is reached without leaving the host; null for somebody else's. */
  readonly toLoopback: (url: string) => string | null;
  /** What an operator sets in the console of a provider that notifies one URL for all. */
  readonly accountUrl: string;
}

export interface SandboxUpstream {
  /** Settings, by name without the prefix, that lead to the emulation. */
  readonly settings: Readonly<Record<string, string>>;
  /** What can be met here; listed by `GET /sandbox/scenarios`. */
  readonly scenarios: readonly SandboxScenario[];
  readonly close: () => Promise<void>;
}

export interface SandboxScenario {
  readonly action: string;
  readonly title: string;
  /** Goes into the GraphQL input, beside an idempotencyKey. */
  readonly input: Readonly<Record<string, unknown>>;
  /** The raw result or error code that it brings. */
  readonly expect: string;
}

/** A provider whose settings type is its own affair. */
// `never` would forbid calling its functions and `unknown` assigning it: the registry pairs each
// definition with settings that its own schema produced, which no type can say for a mixed list.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyProvider = ProviderDefinition<any>;

/** Types a provider definition, and infers its settings from their schema. */
export function defineProvider<Settings>(
  definition: ProviderDefinition<Settings>,
): ProviderDefinition<Settings> {
  return definition;
}
