import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

// Generates the resolver types again and fails unless the committed ones are current. The committed
// ones are restored in any case.
const target = new URL('../src/graphql/generated.ts', import.meta.url);
const committed = readFileSync(target, 'utf8');
try {
  execFileSync('npm', ['run', '--silent', 'codegen'], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (readFileSync(target, 'utf8') !== committed) {
    console.error('src/graphql/generated.ts is not current. Run: npm run codegen');
    process.exitCode = 1;
  }
} finally {
  writeFileSync(target, committed);
}
