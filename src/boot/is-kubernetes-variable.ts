const url = /^(?:tcp|udp|sctp):\/\/\S+$/u;
const address = /^[\d.]+$|^[\da-fA-F:]+$/u;
const number = /^\d{1,5}$/u;

/** The variables that Kubernetes sets for each Service, by name and form of the value. */
const forms: readonly (readonly [name: RegExp, value: RegExp])[] = [
  [/_SERVICE_HOST$/u, address],
  [/_SERVICE_PORT(?:_[A-Z0-9_]+)?$/u, number],
  [/_PORT$/u, url],
  [/_PORT_\d+_(?:TCP|UDP|SCTP)$/u, url],
  [/_PORT_\d+_(?:TCP|UDP|SCTP)_PROTO$/u, /^(?:tcp|udp|sctp)$/u],
  [/_PORT_\d+_(?:TCP|UDP|SCTP)_PORT$/u, number],
  [/_PORT_\d+_(?:TCP|UDP|SCTP)_ADDR$/u, address],
];

/**
 * Whether a variable describes a Service of the cluster and is no setting: a Service `oemcloud` sets
 * `OEMCLOUD_PORT=tcp://10.0.48.109:443`. Source: Kubernetes, "Accessing the Service", environment variables.
 */
export function isKubernetesVariable(name: string, value: string): boolean {
  return forms.some(([nameForm, valueForm]) => nameForm.test(name) && valueForm.test(value));
}
