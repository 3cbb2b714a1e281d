import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { gatewayConfig } from '../../examples/supergraph/hive-gateway.config.ts';

// Hive Gateway as a process of its own: node test/support/run-hive-gateway.ts <supergraph file> <port>
const [, , supergraphFile = '', port = ''] = process.argv;
const gateway = createGatewayRuntime({
  ...gatewayConfig,
  supergraph: readFileSync(supergraphFile, 'utf8'),
  logging: false,
});
createServer((request, response) => void gateway(request, response)).listen(
  Number(port),
  '127.0.0.1',
);
