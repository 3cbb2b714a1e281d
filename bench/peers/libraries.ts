// For start-up and memory: hello-world.ts with the libraries of this service loaded, and nothing done with them.
const libraries = [
  ...['bottleneck', 'cockatiel', 'ioredis'],
  ...['pino', 'prom-client', 'undici', 'zod'],
];
for (const name of [...libraries, './hello-world.ts']) await import(name);
