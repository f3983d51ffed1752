/** One end of a link: messages go out as one stream of bytes and come in as another. Knows neither HTTP nor what they mean. */

import { setImmediate } from "node:timers";
import { type LinkMessage, LinkReader, type LinkWay, LinkWriter } from "./link_codec.ts";
import type { ProofKey } from "./proof_key.ts";

export interface LinkEndOptions {
  /** Of this link alone. */
  readonly key: ProofKey;
  readonly sends: LinkWay;
  /** Of messages that come in. */
  readonly messageBytesMax: number;
  readonly messagesMax: number;
}

export class LinkEnd {
  /** To be sent to the other end. */
  readonly outgoing: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #writer: LinkWriter;
  readonly #reader: LinkReader;
  #wake: () => void = () => {};
  #isWaking = false;
  #isEnded = false;

  constructor({ key, sends, messageBytesMax, messagesMax }: LinkEndOptions) {
    const receives = sends === "calls" ? "answers" : "calls";
    this.#writer = new LinkWriter(key, sends);
    this.#reader = new LinkReader(key, receives, messageBytesMax, messagesMax);
    this.outgoing = new ReadableStream({
      pull: async (controller) => {
        if (this.#writer.isEmpty && !this.#isEnded) await this.#woken();
        if (this.#writer.isEmpty) controller.close();
        else controller.enqueue(this.#writer.take());
      },
      cancel: () => this.end(),
    }, { highWaterMark: 0 });
  }

  /** What is sent in one turn of the event loop, or while the connection is busy, goes in one piece. */
  send(message: LinkMessage): void {
    if (this.#isEnded) return;
    this.#writer.add(message);
    if (this.#isWaking) return;
    this.#isWaking = true;
    setImmediate(() => {
      this.#isWaking = false;
      this.#wake();
    });
  }

  /** Sends what waits and nothing more. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Hands over what comes in, until that ends. Throws LinkBroken, and what the stream throws. */
  async receive(
    incoming: ReadableStream<Uint8Array>,
    onMessages: (messages: readonly LinkMessage[]) => void,
  ): Promise<void> {
    for await (const chunk of incoming) onMessages(this.#reader.read(chunk));
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }
}
