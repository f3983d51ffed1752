/** An HTTP proxy that leads every name to 127.0.0.1: for clients of `bucket.localhost`, a name that not every machine resolves. */

/** Serves only CONNECT (RFC 9110, 9.3.6). Disposing ends it and its tunnels. */
export class ConnectProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #tunnels = new Set<Promise<void>>();
  readonly #accepting = this.#accept();

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const connection of this.#connections) connection.close();
    await Promise.all(this.#tunnels);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      const tunnel = this.#tunnel(client).finally(() => this.#tunnels.delete(tunnel));
      this.#tunnels.add(tunnel);
    }
  }

  async #tunnel(client: Deno.TcpConn): Promise<void> {
    this.#connections.add(client);
    const request = await readText(client);
    const port = Number(/^CONNECT [^ ]+:(\d+) HTTP\/1\.1\r\n/.exec(request)?.[1]);
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    this.#connections.add(server);
    await client.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
    // Either side may go away at any time: that is the end of a tunnel, not a fault of it.
    await Promise.allSettled([
      client.readable.pipeTo(server.writable),
      server.readable.pipeTo(client.writable),
    ]);
    this.#connections.delete(client);
    this.#connections.delete(server);
  }
}

/** The head of a request: small enough to come at once. */
async function readText(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(4096);
  return new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
}
