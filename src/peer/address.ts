/** `host:port` and `[v6]:port`: where a node can be reached. */

const ADDRESS =
  /^(?:[a-zA-Z0-9_](?:[a-zA-Z0-9._-]{0,251}[a-zA-Z0-9_])?|\[[0-9a-fA-F:.]{2,45}\]):([1-9]\d{0,4})$/;
const MAPPED_V4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const PORT_MAX = 65_535;

/** Whether a URL of just this host and port can be made: no user, path, query or other trick is inside. */
export function isAddress(text: string): boolean {
  const port = ADDRESS.exec(text)?.[1];
  return port !== undefined && Number(port) <= PORT_MAX && URL.canParse(`http://${text}/`);
}

/** A host name or an IP address (one of IPv4 in IPv6 clothes becomes IPv4) with a port. */
export function joinAddress(host: string, port: number): string {
  const plain = MAPPED_V4.exec(host)?.[1] ?? host;
  return plain.includes(":") ? `[${plain}]:${port}` : `${plain}:${port}`;
}
