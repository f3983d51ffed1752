/** Sends bytes over a connection of their own and gives what comes back until the server closes it. */

export interface Exchange {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The client closes its half after them: for what is shorter than it says it is. */
  readonly isCut: boolean;
}

export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** No request takes as long, on however busy a machine. */
const ANSWER_MS_MAX = 30_000;
/** A server that waits for more than was sent is told that there is no more. */
const SILENCE_MS_MAX = 1_000;

/** undefined when the server closed the connection without a word. Throws when it never does. */
export async function exchange(
  port: number,
  { bytes, isCut }: Exchange,
): Promise<Answer | undefined> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const sending = send(conn, bytes, isCut);
  let isLate = false;
  const deadline = setTimeout(() => {
    isLate = true;
    conn.close();
  }, ANSWER_MS_MAX);
  try {
    const answer = parseAnswer(await readToEnd(conn));
    await sending;
    if (isLate) throw new Error(`the connection was still open after ${ANSWER_MS_MAX} ms`);
    return answer;
  } finally {
    clearTimeout(deadline);
  }
}

/** The server may well close the connection before it has read all of it. */
async function send(conn: Deno.TcpConn, bytes: Uint8Array, isCut: boolean): Promise<void> {
  try {
    for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
    if (isCut) await conn.closeWrite();
  } catch (error) {
    if (!isClosed(error)) throw error;
  }
}

async function readToEnd(conn: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(64 * 1024);
  const decoder = new TextDecoder("latin1");
  let text = "";
  const hurry = () => void conn.closeWrite().catch(() => {}); // it may be closed already
  let silence = setTimeout(hurry, SILENCE_MS_MAX);
  try {
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) return text;
      clearTimeout(silence);
      silence = setTimeout(hurry, SILENCE_MS_MAX);
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  } catch (error) {
    if (isClosed(error)) return text;
    throw error;
  } finally {
    clearTimeout(silence);
  }
}

/** Interim answers are left out. Throws for what isn't HTTP. */
function parseAnswer(text: string): Answer | undefined {
  if (text === "") return undefined;
  const end = text.indexOf("\r\n\r\n");
  const [line = "", ...lines] = text.slice(0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? NaN);
  if (end === -1 || Number.isNaN(status)) throw new Error(`not an answer: ${text.slice(0, 200)}`);
  const rest = text.slice(end + 4);
  if (status < 200) return parseAnswer(rest);
  const headers = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  return { status, headers, body: rest };
}

function isClosed(error: unknown): boolean {
  return [
    Deno.errors.BrokenPipe,
    Deno.errors.ConnectionReset,
    Deno.errors.ConnectionAborted,
    Deno.errors.NotConnected,
    Deno.errors.BadResource,
    Deno.errors.Interrupted,
  ].some((kind) => error instanceof kind);
}
