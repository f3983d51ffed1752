/** A node of a cluster that does nothing but talk to its peers, on a port of the system's choice. */

import { systemRandom } from "../../src/clock.ts";
import { deriveClusterKey } from "../../src/peer/cluster_key.ts";
import { type Caller, createBootId, type SelfNode } from "../../src/peer/hello.ts";
import { HttpTransport } from "../../src/peer/http_transport.ts";
import { PeerEndpoint } from "../../src/peer/peer_endpoint.ts";
import type { ProofKey } from "../../src/peer/proof_key.ts";
import type { Contact, Message, MessageHandler } from "../../src/peer/transport.ts";
import type { JsonObject } from "../../src/storage/record.ts";
import { systemTimers, type Timers } from "../../src/timers.ts";
import type { TestCertificate } from "./certificate.ts";

export interface PeerNodeOptions {
  /** A hex digit, from which the node's id is made. */
  readonly name: string;
  readonly secret?: string;
  readonly config?: JsonObject;
  /** Answers with the message itself by default. */
  readonly handler?: MessageHandler;
  readonly checkCaller?: (caller: Caller) => Promise<void>;
  readonly timers?: Timers;
  /** 0 by default. */
  readonly port?: number;
  /** 127.0.0.1 by default. */
  readonly hostname?: string;
  readonly advertise?: string;
  readonly tls?: TestCertificate;
}

export const SECRET = "correct horse battery staple";

/** Long enough for whatever is answered at all. */
export const PATIENT_MS = 20_000;

export function testKey(secret = SECRET): ProofKey {
  return deriveClusterKey({ kind: "secret", secret });
}

/** Time that can be moved on, and in which waiting can be made shorter by a factor. */
export class TestTimers implements Timers {
  readonly #hurry: number;
  #skippedMs = 0;

  constructor(hurry = 1) {
    this.#hurry = hurry;
  }

  skip(ms: number): void {
    this.#skippedMs += ms;
  }

  now(): number {
    return systemTimers.now() + this.#skippedMs;
  }

  elapsed(): number {
    return systemTimers.elapsed() + this.#skippedMs;
  }

  after(ms: number, callback: () => void): () => void {
    return systemTimers.after(ms / this.#hurry, callback);
  }
}

const echo: MessageHandler = (_from, { data, body }) =>
  Promise.resolve(body === undefined ? { data } : { data, body });

export class PeerNode implements AsyncDisposable {
  readonly self: SelfNode;
  readonly endpoint: PeerEndpoint;
  readonly transport: HttpTransport;
  /** What was delivered. */
  readonly received: { readonly from: Contact; readonly message: Message }[] = [];
  /** What the endpoint had to say of its handler. */
  readonly faults: unknown[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(options: PeerNodeOptions) {
    const { name, secret, timers = systemTimers, config = {}, handler = echo, tls } = options;
    const common = { key: testKey(secret), timers, random: systemRandom, config };
    const bootId = createBootId(systemRandom);
    const port = () => this.port;
    this.self = {
      id: name.repeat(40),
      bootId,
      advertise: options.advertise,
      get port() {
        return port();
      },
    };
    this.endpoint = new PeerEndpoint({
      ...common,
      self: this.self,
      handler: (from, message) => {
        this.received.push({ from, message });
        return handler(from, message);
      },
      checkCaller: options.checkCaller,
      onFault: (cause) => this.faults.push(cause),
    });
    this.#server = serve(options, (request, { remoteAddr }) => {
      return this.endpoint.handle(request, remoteAddr);
    });
    this.transport = new HttpTransport({
      ...common,
      self: this.self,
      scheme: tls === undefined ? "http" : "https",
      caCerts: tls === undefined ? undefined : [tls.authority],
    });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get contact(): Contact {
    return { id: this.self.id, address: this.address };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport[Symbol.asyncDispose]();
    await this.#server.shutdown();
  }
}

function serve(
  { port = 0, hostname = "127.0.0.1", tls }: PeerNodeOptions,
  handle: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  const options = { hostname, port, onListen: () => {} };
  if (tls === undefined) return Deno.serve(options, handle);
  return Deno.serve({ ...options, cert: tls.certificate, key: tls.privateKey }, handle);
}
