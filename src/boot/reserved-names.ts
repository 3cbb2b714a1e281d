import { settings } from './settings.ts';

/** Variables that platforms set around a process. No plugin may receive them as its settings. */
const platformNames = [
  'AWS_SECRET_ACCESS_KEY',
  'AZURE_CLIENT_SECRET',
  'DOCKER_HOST',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'KUBERNETES_SERVICE_HOST',
  'NODE_OPTIONS',
  'NPM_TOKEN',
  'OTEL_EXPORTER_OTLP_HEADERS',
];

/** Names that no provider's prefix may match: the settings of the service and the platform's variables. */
export const reservedNames: readonly string[] = [...Object.keys(settings), ...platformNames];
