/** Whether a URL has the form of a Redis URL. Does not connect. */
export function isRedisUrl(url: string): boolean {
  if (/^rediss?:\/\//u.test(url)) return URL.canParse(url) && new URL(url).hostname !== '';
  const parsed = /^rediss?\+(cluster|sentinel):\/\/(?:[^@/]*@)?([^/]+)(\/[^/]+)?$/u.exec(url);
  const [, kind, hosts = '', master] = parsed ?? [];
  if (!kind || (kind === 'sentinel') !== (master !== undefined)) return false;
  return hosts.split(',').every((host) => {
    const node = URL.canParse(`redis://${host}`) ? new URL(`redis://${host}`) : null;
    return Boolean(node?.hostname && node.port);
  });
}
