import type { FastifyReply } from 'fastify';
import type { WireFault } from './magic.ts';

/** Longer than any client waits. Then the connection is closed, so that connections do not accumulate. */
const holdMs = 30_000;

/** Responds as a broken network or gateway would. */
export function answerWithWireFault(fault: WireFault, reply: FastifyReply): FastifyReply {
  switch (fault) {
    case 'wire-timeout': {
      const timer = setTimeout(() => reply.raw.destroy(), holdMs).unref();
      reply.raw.once('close', () => clearTimeout(timer));
      return reply.hijack();
    }
    case 'wire-reset':
      reply.raw.destroy();
      return reply.hijack();
    case 'wire-html':
      return reply.type('text/html').send('<html><body>A gateway says hello.</body></html>');
    case 'wire-truncated': {
      const text = '{"Response":{"Result":"0"';
      reply.raw.writeHead(200, { 'content-type': 'application/json', 'content-length': 500 });
      reply.raw.write(text, () => reply.raw.destroy());
      return reply.hijack();
    }
    case 'wire-redirect':
      return reply.redirect('/elsewhere', 302);
    case 'wire-empty':
      return reply.send('');
    case 'wire-500':
      return reply.code(500).send('Internal Server Error');
    case 'wire-503':
      return reply.code(503).send('Service Unavailable');
  }
}
