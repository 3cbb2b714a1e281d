import { execFileSync, spawnSync } from 'node:child_process';
import { chromiumPath } from './find-chromium.ts';
import { postgresFolder } from './find-postgres.ts';

// Finds what the tests need from the operating system, installs what is missing with apt-get or
// brew where that is possible without asking, or names the exact command to run.
interface Tool {
  readonly name: string;
  readonly isThere: () => boolean;
  readonly debian: string;
  readonly brew: readonly string[];
  readonly hint: string;
}

const tools: readonly Tool[] = [
  {
    name: 'Chromium',
    isThere: () => chromiumPath() !== null,
    debian: 'chromium',
    brew: ['install', '--cask', 'chromium'],
    hint: ', or set CHROMIUM_PATH to it',
  },
  {
    name: 'redis-server',
    isThere: () => has('redis-server'),
    debian: 'redis-server',
    brew: ['install', 'redis'],
    hint: '',
  },
  {
    name: 'PostgreSQL',
    isThere: () => postgresFolder() !== null,
    debian: 'postgresql',
    brew: ['install', 'postgresql'],
    hint: '',
  },
  {
    name: 'promtool',
    isThere: () => has('promtool'),
    debian: 'prometheus',
    brew: ['install', 'prometheus'],
    hint: '',
  },
];

for (const tool of tools.filter(({ isThere }) => !isThere())) {
  const command = installCommand(tool);
  if (!command) fail(`The tests need ${tool.name}. Install it${tool.hint}.`);
  const isRoot = process.getuid?.() === 0;
  if (command[0] === 'apt-get' && !isRoot) {
    fail(`The tests need ${tool.name}. Run: sudo apt-get update && sudo ${command.join(' ')}`);
  }
  console.log(`The tests need ${tool.name}: ${command.join(' ')}`);
  const [program = '', ...args] = command;
  if (program === 'apt-get') run(program, ['update', '-qq']);
  run(program, args);
  if (!tool.isThere()) fail(`${tool.name} was installed and is not found${tool.hint}.`);
}

function installCommand({ debian, brew }: Tool): readonly string[] | null {
  if (has('apt-get')) return ['apt-get', 'install', '-y', '--no-install-recommends', debian];
  if (has('brew')) return ['brew', ...brew];
  return null;
}

function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

function fail(line: string): never {
  console.error(line);
  process.exit(1);
}
