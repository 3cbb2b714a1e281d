import { useEffect, useRef, useState } from 'react';
import {
  createVerificationClient,
  httpTransport,
  VerificationError,
  type Verification,
} from 'verification-subgraph/client';
import { attempt } from './attempt.ts';
import { texts } from './texts.ts';

const transport = httpTransport({ url: '/graphql' });
const verifications = createVerificationClient(transport);

const handoffDocument = `query Handoff($id: ID!) {
  verification(id: $id) { handoff { qrSvg } }
}`;

interface HandoffAnswer {
  readonly verification: { readonly handoff: { readonly qrSvg: string } | null } | null;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'waiting'; readonly id: string; readonly launchUrl: string | null }
  | { readonly kind: 'ended'; readonly verification: Verification }
  | { readonly kind: 'failed'; readonly code: string };

/** From the button to the outcome. A reload, and a person who comes back, go on where it was. */
export function VerificationPage() {
  const [state, setState] = useState<State>(readState);
  const heading = useRef<HTMLHeadingElement>(null);

  const start = async (): Promise<void> => {
    setState({ kind: 'starting' });
    try {
      const verification = await verifications.pressedAgain(
        { idempotencyKey: attempt.key(), channel: 'E_ID', redirectUrl: location.origin },
        attempt.next,
      );
      attempt.remember(verification.id);
      // The id of an earlier attempt may be in the URL.
      history.replaceState(null, '', location.pathname);
      setState(toState(verification));
    } catch (error) {
      setState(toFailure(error));
    }
  };

  const waitingId = state.kind === 'waiting' ? state.id : null;
  useEffect(() => {
    if (waitingId === null) return undefined;
    const control = new AbortController();
    verifications.waitForEnd(waitingId, { signal: control.signal }).then(
      (verification) => setState({ kind: 'ended', verification }),
      (error: unknown) => {
        if (!control.signal.aborted) setState(toFailure(error));
      },
    );
    return () => control.abort();
  }, [waitingId]);

  useEffect(() => {
    // The next press is about another attempt. What has ended may be an older one, whose URL was opened again.
    if (state.kind === 'ended' && state.verification.id === attempt.id()) attempt.over();
    if (state.kind !== 'idle') heading.current?.focus();
  }, [state]);

  return (
    <main>
      <h1 ref={heading} tabIndex={-1}>
        {texts.title[state.kind]}
      </h1>
      <div role="status">
        {state.kind === 'ended' && <p>{state.verification.outcome?.en}</p>}
        {state.kind === 'failed' && <p>{texts.failure(state.code)}</p>}
        {state.kind === 'waiting' && <p>{texts.waiting}</p>}
      </div>
      {state.kind === 'waiting' && state.launchUrl !== null && (
        <>
          <a className="button" href={state.launchUrl}>
            Continue on this device
          </a>
          <PhoneCode id={state.id} />
        </>
      )}
      {canStart(state) && (
        <button type="button" onClick={() => void start()}>
          {state.kind === 'idle' ? 'Verify me' : 'Start again'}
        </button>
      )}
    </main>
  );
}

/** The code for a phone. It works once, so there is a button for another one. */
function PhoneCode({ id }: { readonly id: string }) {
  const [svg, setSvg] = useState('');
  const [round, setRound] = useState(0);
  useEffect(() => {
    transport.send<HandoffAnswer>(handoffDocument, { id }).then(
      ({ data }) => setSvg(data?.verification?.handoff?.qrSvg ?? ''),
      () => {},
    );
  }, [id, round]);
  return svg === '' ? null : (
    <figure>
      <img
        alt="QR code: continue on a phone"
        src={`data:image/svg+xml,${encodeURIComponent(svg)}`}
      />
      <figcaption>
        Or scan this code with your phone.{' '}
        <button type="button" onClick={() => setRound(round + 1)}>
          New code
        </button>
      </figcaption>
    </figure>
  );
}

/** A passed person has nothing more to do. */
function canStart(state: State): boolean {
  return (
    state.kind !== 'starting' && !(state.kind === 'ended' && state.verification.status === 'PASSED')
  );
}

function readState(): State {
  // The provider's page leads back with `verificationId`; the browser's own way back has none.
  const id = new URLSearchParams(location.search).get('verificationId') ?? attempt.id();
  return id === null ? { kind: 'idle' } : { kind: 'waiting', id, launchUrl: null };
}

function toState(verification: Verification): State {
  const { id, status, launch } = verification;
  if (status !== 'PENDING') return { kind: 'ended', verification };
  const launchUrl = launch?.__typename === 'VerificationRedirect' ? launch.url : null;
  return { kind: 'waiting', id, launchUrl };
}

function toFailure(error: unknown): State {
  return { kind: 'failed', code: error instanceof VerificationError ? error.code : 'UNKNOWN' };
}
