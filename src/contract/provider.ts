import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ActionEffect } from './action-effect.ts';
import type { FaultKind } from './fault.ts';
import type { FieldProblem } from './field-problem.ts';
import type {
  BankCardElement,
  BankCardResult,
  CheckKind,
  IdentityLevel,
  OutcomeAnswer,
  Started,
} from './outcome.ts';
import type { UpstreamResponse, UpstreamRequest } from './upstream.ts';
import type { Secret } from './secret.ts';

/**
 * The version of this contract. A plugin states the version that it was written for, and only that version
 * loads it. The number changes when a correct plugin would no longer work; docs/adding-a-provider.md gives
 * the details.
 */
export const contractVersion = 1;

export interface ActionDefinition {
  readonly effect: ActionEffect;
  /** The provider's limit in calls per second, over all replicas. */
  readonly perSecond: number;
  /** The action whose limit this one shares, if the provider limits several actions together. */
  readonly sharesLimitWith?: string;
  /** The largest response that is read, in bytes. */
  readonly maxResponseBytes: number;
  /**
   * Strings of a JSON response with more characters than this are replaced by empty strings while the
   * response is read. Use it for media that the plugin does not need.
   */
  readonly dropStringsOver?: number;
  /**
   * Error codes after which core builds the request again and sends it once more: refusals of a nonce, or
   * of an access token that ended early (`renew`). Each code must be in `faults` with a kind that proves
   * that nothing was performed.
   */
  readonly retryableCodes?: readonly string[];
}

/** What happens when a check fails that may wrongly refuse a person. */
export type ChecksumMode = 'off' | 'warn' | 'strict';

/** What core passes to a plugin when it prepares an input. */
export interface PrepareContext<Settings> {
  readonly settings: Settings;
  readonly nowMs: number;
  /**
   * Reports the result of a check that may wrongly refuse a person (ID check digit, Luhn). `null` means
   * that the check passed. The setting INPUT_CHECKSUMS decides whether a failed check refuses the input.
   */
  readonly doubt: (path: string, message: string | null) => void;
}

/** A plugin's access to its provider for one operation. */
export interface ProviderCall<Settings> {
  readonly settings: Settings;
  readonly now: () => number;
  /**
   * Resolves after this time. Rejects with `ProviderFault('timeout')` if the operation has not that much left. Use it
   * in the place of a timer: the conformance suite lets its clock jump.
   */
  readonly sleep: (ms: number) => Promise<void>;
  /**
   * Sends one request within the rate limit and the deadline. Throws `ProviderFault`.
   *
   * An operation may make one call that may charge, after the calls that prepare it. Calls of `read`
   * actions may follow; if one of them fails, the operation ends with `OUTCOME_UNKNOWN`.
   */
  readonly send: <T>(call: UpstreamCall<T>) => Promise<T>;
  /**
   * Returns an access token of our account, such as an OAuth token, that several operations use. It is
   * fetched once for all replicas, stored encrypted until shortly before its end, and dropped when the
   * provider refuses our credentials. Never use it for a token that belongs to a person. Throws what
   * `fetch` throws.
   */
  readonly accessToken: (name: string, fetch: () => Promise<AccessToken>) => Promise<Secret>;
}

export interface AccessToken {
  readonly token: string;
  readonly expiresInSeconds: number;
}

export interface CallNotes {
  /** The provider's id of this request. Callers see it in `calls`, and the log has it. */
  readonly requestId: (id: string) => void;
}

export interface UpstreamCall<T> {
  /** A key of the plugin's `actions`. */
  readonly action: string;
  /**
   * Called at the moment of sending, so that timestamps and nonces are fresh. `nonceMs` is the time in
   * milliseconds, but never the same value twice in this process. If nonces must also be unique across
   * replicas, use random values.
   */
  readonly build: (nowMs: number, nonceMs: number) => UpstreamRequest;
  /**
   * Reads the response. Throws `ProviderFault`; any other error counts as `protocol`. `notes` takes what support needs
   * from a response that is no error.
   */
  readonly read: (response: UpstreamResponse, notes: CallNotes) => T;
  /** Runs before the call is sent once more (`retryableCodes`), for example to get a new access token. */
  readonly renew?: () => Promise<void>;
}

export interface StartInput {
  readonly subject: { readonly name: string | null; readonly idNumber: string | null };
  readonly referenceImage: string | null;
  readonly extra: string | null;
  /**
   * Whether the caller named a page to return to. A channel whose provider never sends the browser to `returnUrl`
   * refuses it, at the path `redirectUrl`.
   */
  readonly hasRedirectUrl: boolean;
  /** The value of this channel's options field, as the plugin's SDL types it. Null if not given. */
  readonly options: unknown;
  /** With `NONE`, ask the provider for as little about the person as it allows. */
  readonly identity: IdentityLevel;
}

/** URLs of this service that contain a capability. Never log them. */
export interface StartUrls {
  /** The provider sends the browser here when the person is done. */
  readonly returnUrl: string;
  /** The provider sends its notification here. */
  readonly notifyUrl: string;
  /**
   * Identifies this verification to providers that repeat our reference in notifications; see
   * `referenceOf`. It grants no access by itself. 26 characters: letters, digits, `_` and `-`.
   */
  readonly reference: string;
}

export type Prepared<Settings> =
  | { readonly problems: readonly FieldProblem[] }
  | {
      /** What a pass of this verification attests. */
      readonly checks: readonly CheckKind[];
      readonly start: (call: ProviderCall<Settings>, urls: StartUrls) => Promise<Started>;
    };

/** How core learns the outcome of a channel. */
export type OutcomeSource = 'QUERY' | 'NOTIFICATION' | 'NONE';

/**
 * A request that arrived at `notifyUrl`. Anyone who knows the URL can send one, so its content is not
 * trusted.
 */
export interface Notification {
  readonly method: 'GET' | 'POST';
  /** The part of the URL after `?`, unchanged. Empty if there is none. */
  readonly query: string;
  /** Header names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes exactly as received, for signatures. */
  readonly body: Buffer;
}

/** What core passes to a plugin when a notification arrives. */
export interface NotificationContext<Settings> {
  readonly settings: Settings;
  readonly nowMs: number;
}

/** What core passes to a plugin that checks the signature of a notification. */
export interface VerifyContext<Settings> extends NotificationContext<Settings> {
  /**
   * A value of the provider's that proves signatures, such as its public keys. `fetch` gets it by `read` actions. It
   * is fetched once per process and kept for `keepSeconds`. With `isStale`, for a signature by a key that the value
   * does not have, it is fetched again, at most every 30 s. Rejects with what `fetch` rejects with; then the provider
   * is told to send the notification again.
   */
  readonly cached: <T>(
    name: string,
    keepSeconds: number,
    fetch: (call: ProviderCall<Settings>) => Promise<T>,
    isStale?: (value: T) => boolean,
  ) => Promise<T>;
}

/** Whether the provider sent a notification, according to its signature. */
export type NotificationProof =
  | {
      readonly kind: 'genuine';
      /**
       * The provider's own id of this delivery, or its signature if there is none. Core does not read a
       * second notification with the same id.
       */
      readonly deliveryId: string;
    }
  /**
   * The signature is missing, wrong or too old. Core responds with 401 and does not read the notification.
   */
  | { readonly kind: 'refused' };

export interface NotificationDefinition<Settings> {
  /**
   * Checks the signature over the raw bytes, before anything is read. Null if the provider does not sign;
   * then only the secret URL shows who sent the notification.
   */
  readonly verify:
    | ((
        notification: Notification,
        context: VerifyContext<Settings>,
      ) => NotificationProof | Promise<NotificationProof>)
    | null;
  /**
   * What a notification says about this session; null if it says nothing about it. The result counts only
   * if the channel's outcome is NOTIFICATION. Otherwise the notification makes core query the provider.
   */
  readonly read: (
    notification: Notification,
    session: Started['session'],
    context: NotificationContext<Settings>,
  ) => OutcomeAnswer | null;
  /**
   * For providers that send all notifications to one URL, which is set in their console. Returns our
   * `reference`, as the provider repeats it, from a notification that `verify` found genuine. The URL is
   * `/callbacks/<provider id>/account`.
   */
  readonly referenceOf?: (notification: Notification) => string | null;
  /** The body that the provider expects with HTTP 200. */
  readonly reply: { readonly contentType: string; readonly body: string };
}

/** With this option, `requires` is required in the place of the channel's own `requires`. */
export interface OptionRequirement {
  /** A member of the channel's options: `compareLib`. */
  readonly option: string;
  /** The value that requires it. If it is left out, every value does. */
  readonly value?: string | boolean;
  readonly requires: readonly string[];
}

/** What core knows about a pending verification. */
export interface Progress {
  /** Whether the person has come back from the provider, by `returnUrl`. */
  readonly hasReturned: boolean;
  /** Whether the person's time is over. */
  readonly isOver: boolean;
}

export interface ChannelDefinition<Settings> {
  /** The action that starts a verification. Its effect decides what a lost response means. */
  readonly action: string;
  /** What a pass attests if no options are given. */
  readonly checks: readonly CheckKind[];
  /**
   * Input paths that are required if no options are given: `subject.name`, `options.acmeDocument`. A function if a
   * setting decides.
   */
  readonly requires: readonly string[] | ((settings: Settings) => readonly string[]);
  /** Whether the account is set up for this channel. By default it is. A channel that is not set up is not offered. */
  readonly isSetUp?: (settings: Settings) => boolean;
  /** Options that require other paths. */
  readonly requiresWith?: readonly OptionRequirement[];
  /**
   * Members of this channel's options that hold a base64 image. Only these and `referenceImage` may make a
   * request larger than 256 KB.
   */
  readonly imageOptions?: readonly string[];
  /** A function of the settings if a setting decides. */
  readonly outcome: OutcomeSource | ((settings: Settings) => OutcomeSource);
  /** The field of `VerificationOptionsInput` that belongs to this channel. */
  readonly optionsField: string | null;
  /** The shortest useful interval between queries about a pending verification, in milliseconds. */
  readonly pollEveryMs: number;
  /** How long after expiry a late outcome may still appear, in seconds. */
  readonly graceSeconds: number;
  /** How long the provider keeps an outcome, in seconds from the start. */
  readonly retentionSeconds: number;
  /** A pure function. It checks the whole input and returns every problem. */
  readonly prepare: (input: StartInput, context: PrepareContext<Settings>) => Prepared<Settings>;
  /** Required if the outcome is, or may be, QUERY. May call `read` actions only. */
  readonly fetchOutcome?: (
    call: ProviderCall<Settings>,
    session: Started['session'],
    progress: Progress,
  ) => Promise<OutcomeAnswer>;
  readonly notification?: NotificationDefinition<Settings>;
  /**
   * Present if core may return a pending launch again to the same user for the same input. Core stops doing
   * so `marginSeconds` before the launch expires.
   */
  readonly reuse?: { readonly marginSeconds: number };
}

export interface BankCardInput {
  readonly subject: { readonly name: string | null; readonly idNumber: string | null };
  readonly cardNumber: string;
  readonly phone: string | null;
  readonly certType: number;
}

export type PreparedBankCardCheck<Settings> =
  | { readonly problems: readonly FieldProblem[] }
  | { readonly check: (call: ProviderCall<Settings>) => Promise<BankCardResult> };

/** A check of one set of elements. */
export interface BankCardVariant<Settings> {
  /** What the provider compares, exactly. It always includes `CARD_NUMBER`. */
  readonly elements: readonly BankCardElement[];
  /** The action that `check` calls. Its effect decides what a lost response means. */
  readonly action: string;
  /** Gets an input that has these elements and no others. A pure function, which returns every problem. */
  readonly prepare: (
    input: BankCardInput,
    context: PrepareContext<Settings>,
  ) => PreparedBankCardCheck<Settings>;
}

export interface BankCardDefinition<Settings> {
  /** One for each set of elements that the provider can check. */
  readonly variants: readonly BankCardVariant<Settings>[];
}

/** Resolvers of a plugin's own types. They get the parent only: no arguments and no context. */
export type PluginResolvers = Readonly<
  Record<string, Readonly<Record<string, (parent: unknown) => unknown>>>
>;

/** A provider plugin: stateless data and small functions. */
export interface ProviderDefinition<Settings = unknown> {
  readonly contractVersion: typeof contractVersion;
  /**
   * Lower-case letters, digits and hyphens: `tencent-cn`. The names of its settings start with
   * `TENCENT_CN_`.
   */
  readonly id: string;
  readonly title: string;
  readonly jurisdiction: 'CN' | 'INTL';
  /**
   * Validates the settings, by name without the prefix (`SECRET_ID`). Any Standard Schema library works,
   * such as zod. The schema must refuse unknown names. Settings named `ENDPOINT`, or ending with
   * `_ENDPOINT`, are the URLs that are called.
   */
  readonly settings: StandardSchemaV1<unknown, Settings>;
  /** Names of the settings whose presence means that the real provider is called. */
  readonly credentials: readonly string[];
  /**
   * A free read that a provider answers only with valid credentials, such as of a session that does not exist. Changed
   * credentials are tried with it before they are used. May call `read` actions only. Rejects as `read` does.
   */
  readonly tryCredentials?: (call: ProviderCall<Settings>) => Promise<unknown>;
  readonly actions: Readonly<Record<string, ActionDefinition>>;
  /** The provider's error codes, or dotted prefixes of them. */
  readonly faults: Readonly<Record<string, FaultKind>>;
  readonly channels: Readonly<Record<string, ChannelDefinition<Settings>>>;
  readonly bankCard?: BankCardDefinition<Settings>;
  /** The plugin's SDL: its own types, and extensions of the extension points. */
  readonly typeDefs: string;
  readonly resolvers?: PluginResolvers;
  /** Loads the emulation of the provider. Called in the sandbox only. */
  readonly sandbox?: () => Promise<StartSandboxUpstream>;
}

/** Starts an emulation of the provider on loopback, so that nothing real is called or charged. */
export type StartSandboxUpstream = (context: SandboxContext) => Promise<SandboxUpstream>;

export interface SandboxContext {
  readonly now: () => number;
  /** The settings that were given. Some of them may select what is emulated. */
  readonly givenSettings: Readonly<Record<string, string>>;
  /** Returns the loopback URL for a URL of this service; null for any other URL. */
  readonly toLoopback: (url: string) => string | null;
  /** The URL that an operator sets in the console of a provider with one notification URL for all. */
  readonly accountUrl: string;
}

export interface SandboxUpstream {
  /** Settings, by name without the prefix, that point to the emulation. */
  readonly settings: Readonly<Record<string, string>>;
  /** The scenarios of the emulation. `GET /sandbox/scenarios` lists them. */
  readonly scenarios: readonly SandboxScenario[];
  readonly close: () => Promise<void>;
}

export interface SandboxScenario {
  readonly action: string;
  readonly title: string;
  /** Part of the GraphQL input; an `idempotencyKey` is added. */
  readonly input: Readonly<Record<string, unknown>>;
  /** The raw result or error code that the scenario returns. */
  readonly expect: string;
}

/** A provider with any type of settings. */
// With `never` its functions could not be called, and with `unknown` it could not be assigned. The registry
// pairs each definition with settings from its own schema, and no type can express that for a mixed list.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyProvider = ProviderDefinition<any>;

/** Types a provider definition and infers its settings from their schema. */
export function defineProvider<Settings>(
  definition: ProviderDefinition<Settings>,
): ProviderDefinition<Settings> {
  return definition;
}
