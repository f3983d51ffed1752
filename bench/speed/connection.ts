/** One kept-alive connection that sends prepared bodies as they are: what a large upload costs its client is little. */

import type { Addressee, Draft } from "./requests.ts";
import { NO_PAYLOAD, signHead } from "./requests.ts";

const READ_BYTES = 64 * 1024;

export class Connection implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #addressee: Addressee;
  readonly #buffer = new Uint8Array(READ_BYTES);

  static async open(addressee: Addressee): Promise<Connection> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: addressee.port });
    return new Connection(conn, addressee);
  }

  private constructor(conn: Deno.TcpConn, addressee: Addressee) {
    this.#conn = conn;
    this.#addressee = addressee;
  }

  /** Head and body of the reply as one text of latin1. Throws for a status of an error. */
  async ask(draft: Draft): Promise<string> {
    const { bytes } = draft.payload ?? NO_PAYLOAD;
    await this.#write(signHead(draft, this.#addressee));
    await this.#write(bytes);
    const reply = await this.#read();
    if (/^HTTP\/1\.1 2/.test(reply)) return reply;
    throw new Error(`${draft.method} ${draft.path} was answered: ${reply.slice(0, 1000)}`);
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) done += await this.#conn.write(bytes.subarray(done));
  }

  async #read(): Promise<string> {
    const decoder = new TextDecoder("latin1");
    let text = "";
    while (!isWhole(text)) {
      const count = await this.#conn.read(this.#buffer);
      if (count === null) throw new Error(`the server closed the connection after: ${text}`);
      text += decoder.decode(this.#buffer.subarray(0, count), { stream: true });
    }
    return text;
  }
}

/** Replies have a length, or come in chunks with no trailer. */
function isWhole(text: string): boolean {
  const headEnd = text.indexOf("\r\n\r\n") + 4;
  if (headEnd < 4) return false;
  const head = text.slice(0, headEnd);
  if (/^transfer-encoding: *chunked/im.test(head)) return text.endsWith("\r\n0\r\n\r\n");
  return text.length - headEnd >= Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}
