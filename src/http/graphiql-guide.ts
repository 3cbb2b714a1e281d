/** The strip above GraphiQL, and what it does. */

export interface GuideOptions {
  /** What to do, one after the other. */
  readonly steps: readonly string[];
  /** The URL of a module that exports `httpTransport` of verification-subgraph/client; without it there are no subscriptions. */
  readonly transportUrl?: string;
}

/** In the variables of a tab: stands for a key that is new for each page load. */
export const keyOfPage = '{{key}}';

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%230b57d0'/%3E%3Cpath d='m4 8.5 2.6 2.6L12 5.6' fill='none' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E";

export const guideTitle = `<title>verification-subgraph</title>\n<link rel="icon" href="${icon}">`;

export const guideStyle = `<style>
body { display: flex; flex-direction: column; height: 100vh }
#ruru-root { flex: 1; min-height: 0; height: auto }
#guide { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; align-items: center; padding: 0.5rem 1rem;
  background: #e8f0fe; color: #1b1b1b; font: 0.9375rem/1.4 system-ui, sans-serif }
#guide ol { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin: 0; padding: 0; list-style: none; counter-reset: step }
#guide li { counter-increment: step }
#guide li::before { content: counter(step) ". " }
#guide a { padding: 0.375rem 0.75rem; border-radius: 0.375rem; background: #0b57d0; color: #fff; font-weight: 600 }
#guide [hidden], .graphiql-logo { display: none }
</style>`;

export function guideContent({ steps }: GuideOptions): string {
  const items = steps.map((step) => `<li>${step}</li>`).join('');
  return `<header id="guide"><strong>verification-subgraph</strong><ol>${items}</ol>
<a id="person" target="_blank" rel="noreferrer" hidden>Open as the person</a></header>`;
}

/**
 * Runs before GraphiQL, which reads its tabs from the storage of the page, or from the configuration. It opens the tab that
 * was open last only if that is what the page begins with; otherwise it adds an empty one.
 *
 * Every key of an earlier load is replaced, whichever window has written it. Tabs of another version of this page are
 * dropped.
 */
export const guideScript = `<script>
{
  const urlIn = (value) => {
    if (typeof value !== 'object' || value === null) return undefined;
    const { url } = value.launch ?? {};
    if (typeof url === 'string' && /^https?:/.test(url)) return url;
    for (const part of Object.values(value)) {
      const found = urlIn(part);
      if (found) return found;
    }
  };
  const hasEnded = (value) =>
    typeof value === 'object' && value !== null &&
    ((typeof value.status === 'string' && value.status !== 'PENDING') || Object.values(value).some(hasEnded));
  globalThis.showLaunchOf = (answer) => {
    const link = document.querySelector('#person');
    const url = urlIn(answer.data);
    if (url) link.href = url;
    if (url || hasEnded(answer.data)) link.hidden = !url;
  };
  const ask = globalThis.fetch;
  globalThis.fetch = async (...given) => {
    const response = await ask(...given);
    const type = response.headers.get('content-type') ?? '';
    if (type.includes('json')) response.clone().json().then(showLaunchOf, () => {});
    return response;
  };

  const key = 'key-' + Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) =>
    byte.toString(16).padStart(2, '0')).join('');
  const fill = (text) => (text ?? '').replaceAll('${keyOfPage}', key);
  RURU_CONFIG.initialVariables = fill(RURU_CONFIG.initialVariables);
  for (const tab of RURU_CONFIG.defaultTabs ?? []) tab.variables = fill(tab.variables);
  const [place, tabs] = ['verification-subgraph:tabs', 'graphiql:tabState'];
  const version = RURU_CONFIG.guideVersion;
  try {
    if (localStorage.getItem(place) !== version) localStorage.removeItem(tabs);
    localStorage.setItem(place, version);
    const stored = localStorage.getItem(tabs)?.replaceAll(/\\bkey-[0-9a-f]{8}\\b/g, key);
    if (stored) {
      localStorage.setItem(tabs, stored);
      const state = JSON.parse(stored);
      const open = state.tabs[state.activeTabIndex];
      RURU_CONFIG.initialQuery = open.query;
      RURU_CONFIG.initialVariables = open.variables;
      RURU_CONFIG.initialHeaders = open.headers ?? undefined;
    }
  } catch {
    // Without storage the page begins with its own tabs each time.
  }
}
</script>`;

export function guideInitScript({ transportUrl }: GuideOptions, original: string): string {
  if (transportUrl === undefined) return original;
  const imports = `import { httpTransport } from ${JSON.stringify(transportUrl)};
const fetcher = ({ query, variables, operationName }, { documentAST, headers } = {}) => {
  const transport = httpTransport({ url: RURU_CONFIG.endpoint, headers: () => headers ?? {} });
  const operation = documentAST?.definitions.find(
    ({ kind, name }) => kind === 'OperationDefinition' && (!operationName || name?.value === operationName),
  );
  const variablesOrNone = variables ?? {};
  return operation?.operation === 'subscription'
    ? (async function* () {
        for await (const result of transport.subscribe(query, variablesOrNone)) {
          showLaunchOf(result);
          yield result;
        }
      })()
    : fetch(RURU_CONFIG.endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
        body: JSON.stringify({ query, variables: variablesOrNone, operationName }),
      }).then((response) => response.json());
};
`;
  return original
    .replace('<script type="module">\n', `<script type="module">\n${imports}`)
    .replace('RURU_CONFIG)', '{ ...RURU_CONFIG, fetcher })');
}
