/** A network in one process whose messages always arrive at once: nodes share no memory, and nothing else is between them. */

import {
  type Contact,
  type Message,
  type MessageHandler,
  PeerError,
  PeerFault,
  type Reply,
  type Transport,
} from "../../src/peer/transport.ts";

export class MemoryNetwork {
  readonly #nodes = new Map<string, { readonly id: string; readonly handle: MessageHandler }>();

  /** What arrives for the address is given to `handle`. */
  attach({ id, address }: Contact, handle: MessageHandler): void {
    this.#nodes.set(address, { id, handle });
  }

  detach({ address }: Contact): void {
    this.#nodes.delete(address);
  }

  /** The way of one node to the others. */
  transportOf(self: Contact): Transport {
    return {
      identify: (address) => Promise.resolve({ id: this.#at(address).id, address }),
      call: async (to, message) => {
        const node = this.#at(to.address);
        if (node.id !== to.id) throw new PeerError("otherNode", "another node answers there");
        return copy(await this.#deliver(self, node.handle, copy(message)));
      },
    };
  }

  #at(address: string) {
    const node = this.#nodes.get(address);
    if (node === undefined) throw new PeerError("unreachable", `nobody is at ${address}`);
    return node;
  }

  async #deliver(from: Contact, handle: MessageHandler, message: Message): Promise<Reply> {
    try {
      return await handle(from, message);
    } catch (error) {
      if (error instanceof PeerFault) throw new PeerError("refused", error.message, error.code);
      throw new PeerError("failed", "the peer met a fault", undefined, { cause: error });
    }
  }
}

/** As over a wire: JSON and bytes. */
function copy<T extends Reply>(message: T): T {
  const { body, ...rest } = message;
  return { ...JSON.parse(JSON.stringify(rest)), ...(body && { body: body.slice() }) };
}
