/** Somebody on the way between two peers: passes requests and answers on, keeps them, and may change either. */

import { SEAL_HEADER } from "../../src/peer/seal.ts";

export interface Passed {
  /** With query, if any. */
  readonly path: string;
  readonly method: string;
  /** The value of the seal header. */
  readonly seal: string | null;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface Answer extends Pick<Passed, "seal"> {
  readonly status: number;
  readonly body: BodyInit;
  readonly location?: string;
}

export interface Meddling {
  readonly request?: (request: Passed) => Passed;
  readonly answer?: (answer: Answer & Pick<Passed, "body">, request: Passed) => Answer;
}

export class Meddler implements AsyncDisposable {
  /** As they came, before anything was changed. */
  readonly requests: Passed[] = [];
  readonly answers: (Answer & Pick<Passed, "body">)[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Stands before `address`. */
  constructor(address: string, meddling: Meddling = {}) {
    const { request: change = (request) => request, answer: swap = (answer) => answer } = meddling;
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, async (incoming) => {
      const request = await readRequest(incoming);
      this.requests.push(request);
      const answer = await send(address, change(request));
      this.answers.push(answer);
      return toResponse(swap(answer, request));
    });
  }

  get address(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Sends a request to a peer by itself, as somebody who captured it could. */
export async function send(
  address: string,
  { path, method, seal, body }: Passed,
): Promise<Answer & Pick<Passed, "body">> {
  const response = await fetch(`http://${address}${path}`, {
    method,
    headers: seal === null ? {} : { [SEAL_HEADER]: seal },
    ...(method === "GET" ? {} : { body }),
    redirect: "manual",
  });
  return {
    status: response.status,
    seal: response.headers.get(SEAL_HEADER),
    body: await response.bytes(),
  };
}

async function readRequest(request: Request): Promise<Passed> {
  const { pathname, search } = new URL(request.url);
  return {
    path: pathname + search,
    method: request.method,
    seal: request.headers.get(SEAL_HEADER),
    body: await request.bytes(),
  };
}

function toResponse({ status, seal, body, location }: Answer): Response {
  const headers = {
    ...(seal === null ? {} : { [SEAL_HEADER]: seal }),
    ...(location === undefined ? {} : { location }),
  };
  return new Response(body, { status, headers });
}
