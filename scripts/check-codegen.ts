import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

// Generates the types of resolvers and of the client again, and fails unless the committed ones are current. The
// committed ones are restored in any case.
const targets = ['src/graphql/generated.ts', 'src/client/generated.ts'].map((path) => {
  const url = new URL(`../${path}`, import.meta.url);
  return { path, url, committed: readFileSync(url, 'utf8') };
});
try {
  execFileSync('npm', ['run', '--silent', 'codegen'], { stdio: ['ignore', 'ignore', 'inherit'] });
  for (const { path, url, committed } of targets) {
    if (readFileSync(url, 'utf8') === committed) continue;
    console.error(`${path} is not current. Run: npm run codegen`);
    process.exitCode = 1;
  }
} finally {
  for (const { url, committed } of targets) writeFileSync(url, committed);
}
