import type {
  AnyProvider,
  BankCardInput,
  BankCardResult,
  CheckKind,
  FaultKind,
  Notification,
  Started,
  StartInput,
  StartUrls,
  VerificationResult,
} from '../contract/index.ts';

/** What the suite is told of a provider: how to set it up, and what its answers mean. */
export interface ConformanceSubject {
  readonly provider: AnyProvider;
  /** Settings that lead to `endpoint`, by name without the prefix. Credentials are invented. */
  readonly settings: (endpoint: string) => Readonly<Record<string, string>>;
  /** An error of the provider's own, with a code as `faults` has it. */
  readonly errorAnswer: (code: string, action: string) => RecordedAnswer;
  /**
   * Looks at every request as the vendor would, its signature for one; throws where it is wrong.
   */
  readonly verifyRequest?: (request: SentRequest) => void;
  /** What other answers need, such as that to the action which fetches an access token. */
  readonly always?: Answers;
  readonly starts?: readonly StartCase[];
  readonly outcomes?: readonly OutcomeCase[];
  readonly notifications?: readonly NotificationCase[];
  readonly bankCards?: readonly BankCardCase[];
  /** What the recorded answers hold about a person, beside what the inputs do. */
  readonly personal?: readonly string[];
}

/** A request as it reached the provider. */
export interface SentRequest {
  readonly action: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** As they were given, by name without the prefix. */
  readonly settings: Readonly<Record<string, string>>;
  readonly nowMs: number;
}

/** An answer of the provider: a sample of its page or a recorded one, its persons invented. */
export interface RecordedAnswer {
  /** 200, if it is not given. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body: object | string;
}

/** By action; of a list one after the other, and the last one again. */
export type Answers = Readonly<Record<string, RecordedAnswer | readonly RecordedAnswer[]>>;

/** As much of a value as a case cares about. */
export type Expected<T> = T extends readonly (infer Item)[]
  ? readonly Expected<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]?: Expected<T[Key]> }
    : T;

/** What has to reach the provider, as far as a case cares. */
export interface ExpectedRequest {
  readonly method?: string;
  /** With its query. */
  readonly path?: string;
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is compared with the JSON that came, a text with all of it. */
  readonly body?: object | string;
  /** Fields of a form, url-encoded or multipart; of a file its text. */
  readonly form?: Readonly<Record<string, string>>;
}

interface Case {
  readonly title: string;
  /** Over those of the subject. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly answers?: Answers;
  /** By action. */
  readonly sends?: Readonly<Record<string, ExpectedRequest>>;
}

/** Refused before anything is sent: the paths of all wrong fields, in any order. */
interface ExpectedProblems {
  readonly problems: readonly string[];
}

interface ExpectedFault {
  readonly fault: FaultKind;
}

export interface StartCase extends Case {
  readonly channel: string;
  readonly input: Partial<StartInput>;
  readonly expect: Expected<Started> | ExpectedProblems | ExpectedFault;
  /** What a pass of it attests; the channel's, if it is not given. */
  readonly checks?: readonly CheckKind[];
}

export interface OutcomeCase extends Case {
  readonly channel: string;
  /** Title of the start before it; the first of this channel, if it is not given. */
  readonly after?: string;
  readonly expect: Expected<VerificationResult> | 'pending' | 'not_told' | ExpectedFault;
}

export interface BankCardCase extends Case {
  readonly input: Partial<BankCardInput>;
  readonly expect: Expected<BankCardResult> | ExpectedProblems | ExpectedFault;
}

export interface NotificationCase extends Case {
  readonly channel: string;
  readonly after?: string;
  /** Makes what the provider would send, signed where it signs. */
  readonly deliver: (about: Delivery) => Pick<Notification, 'body'> & Partial<Notification>;
  /** `nothing`: it says nothing about this verification. */
  readonly expect: Expected<VerificationResult> | 'pending' | 'not_told' | 'nothing';
}

/** What a notification is about. */
export interface Delivery extends StartUrls {
  readonly session: Started['session'];
  /** As they were given, by name without the prefix. */
  readonly settings: Readonly<Record<string, string>>;
  /** When it is signed. */
  readonly nowMs: number;
}
