import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** `verification-subgraph/client` as one module, as a bundler makes it for a page. */
export async function bundleClient(): Promise<string> {
  const input = fileURLToPath(new URL('../../src/client/index.ts', import.meta.url));
  const bundle = await rolldown({ input });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  return output[0].code;
}
