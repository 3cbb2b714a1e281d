import type { Flow } from '../flows.ts';

interface Deps {
  /** Opens a URL of this service, as a browser would. */
  readonly visit: (url: string) => void;
}

/** A flow that an order ended has no person. So the browser goes back at the first query. */
export function createGoBack({ visit }: Deps): (flow: Flow) => void {
  const gone = new WeakSet<Flow>();
  return (flow) => {
    const url = flow.state === 'finished' && !gone.has(flow) ? flow.returnUrl(flow) : null;
    gone.add(flow);
    if (url !== null) visit(url);
  };
}
