import type {
  AnyProvider,
  BankCardInput,
  BankCardResult,
  CheckKind,
  FaultKind,
  Notification,
  OutcomeAnswer,
  Started,
  StartInput,
  StartUrls,
  VerificationResult,
} from '../contract/index.ts';

/** The description of a provider for the suite: how to configure it, and what its responses mean. */
export interface ConformanceSubject {
  readonly provider: AnyProvider;
  /** Settings that point to `endpoint`, by name without the prefix. Credentials are invented. */
  readonly settings: (endpoint: string) => Readonly<Record<string, string>>;
  /** An error response of the provider, with a code from `faults`. */
  readonly errorAnswer: (code: string, action: string) => RecordedAnswer;
  /**
   * Checks every request as the provider would, for example its signature. Throws if the request is wrong.
   */
  readonly verifyRequest?: (request: SentRequest) => void;
  /** Responses that other responses depend on, such as that of the action which fetches an access token. */
  readonly always?: Answers;
  readonly starts?: readonly StartCase[];
  readonly outcomes?: readonly OutcomeCase[];
  readonly notifications?: readonly NotificationCase[];
  readonly bankCards?: readonly BankCardCase[];
  /** Personal data in the recorded responses, in addition to that of the inputs. */
  readonly personal?: readonly string[];
}

/** A request as it reached the provider. */
export interface SentRequest {
  readonly action: string;
  readonly method: string;
  /** Including the query. */
  readonly path: string;
  /** Header names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The given settings, by name without the prefix. */
  readonly settings: Readonly<Record<string, string>>;
  readonly nowMs: number;
}

/** A response of the provider: a sample of its documentation or a recorded one, with invented persons. */
export interface RecordedAnswer {
  /** The default is 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body: object | string;
}

/** By action. A list is sent one after the other, and then its last item again. */
export type Answers = Readonly<Record<string, RecordedAnswer | readonly RecordedAnswer[]>>;

/** A partial value: only the given members are compared. */
export type Expected<T> = T extends readonly (infer Item)[]
  ? readonly Expected<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]?: Expected<T[Key]> }
    : T;

/** The expected parts of a request. */
export interface ExpectedRequest {
  readonly method?: string;
  /** Including the query. */
  readonly path?: string;
  /** Header names are in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is compared with the parsed JSON body, a string with the whole body. */
  readonly body?: object | string;
  /** Fields of a form, url-encoded or multipart. A file is compared by its text. */
  readonly form?: Readonly<Record<string, string>>;
}

interface Case {
  readonly title: string;
  /** Override the settings of the subject. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly answers?: Answers;
  /** By action. */
  readonly sends?: Readonly<Record<string, ExpectedRequest>>;
}

/** Refused before anything is sent: the paths of all wrong fields, in any order. */
interface ExpectedProblems {
  readonly problems: readonly string[];
}

/** What a pending answer must say, such as its phase, or the launch that it brings. */
interface ExpectedPending {
  readonly pending: Expected<Extract<OutcomeAnswer, { readonly kind: 'pending' }>>;
}

interface ExpectedFault {
  readonly fault: FaultKind;
}

export interface StartCase extends Case {
  readonly channel: string;
  readonly input: Partial<StartInput>;
  readonly expect: Expected<Started> | ExpectedProblems | ExpectedFault;
  /** What a pass attests. The default is the channel's. */
  readonly checks?: readonly CheckKind[];
}

export interface OutcomeCase extends Case {
  readonly channel: string;
  /** Title of the preceding start. The default is the first start of this channel. */
  readonly after?: string;
  readonly expect:
    Expected<VerificationResult> | 'pending' | 'not_told' | ExpectedPending | ExpectedFault;
}

export interface BankCardCase extends Case {
  readonly input: Partial<BankCardInput>;
  readonly expect: Expected<BankCardResult> | ExpectedProblems | ExpectedFault;
}

export interface NotificationCase extends Case {
  readonly channel: string;
  readonly after?: string;
  /** Makes the notification that the provider would send, signed if the provider signs. */
  readonly deliver: (about: Delivery) => Pick<Notification, 'body'> & Partial<Notification>;
  /** `nothing`: it says nothing about this verification. */
  readonly expect:
    Expected<VerificationResult> | 'pending' | 'not_told' | 'nothing' | ExpectedPending;
}

/** What a notification is about. */
export interface Delivery extends StartUrls {
  readonly session: Started['session'];
  /** The given settings, by name without the prefix. */
  readonly settings: Readonly<Record<string, string>>;
  /** The time of the signature, in milliseconds. */
  readonly nowMs: number;
}
