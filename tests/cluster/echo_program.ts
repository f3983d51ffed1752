/**
 * What the harness is tried with in place of zs3: an HTTP server that says who it is, fetches what it is told to, hears
 * multicast, and keeps a file. Words: its name, its address, its data dir.
 */

const PORT = 9000;
const GROUP = "239.77.0.1";
const GROUP_PORT = 9001;

const [name = "", hostname = "", dataDir = ""] = Deno.args;
const heard: string[] = [];
let onHeard = Promise.withResolvers<void>();
const group = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: GROUP_PORT });
await group.joinMulticastV4(GROUP, "0.0.0.0");
void hear();

await Deno.mkdir(dataDir, { recursive: true });
Deno.serve({ hostname, port: PORT, onListen: () => say(`${name} ready\n`) }, answer);

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname) {
    case "/name":
      return new Response(name);
    case "/now":
      return new Response(`${Date.now()}`);
    case "/keep":
      await Deno.writeTextFile(`${dataDir}/kept`, searchParams.get("text") ?? "");
      return new Response();
    case "/kept":
      return new Response(await Deno.readTextFile(`${dataDir}/kept`));
    case "/ask":
      return new Response(
        await nameAt(searchParams.get("address") ?? "", Number(searchParams.get("ms"))),
      );
    case "/shout":
      await group.send(new TextEncoder().encode(searchParams.get("text") ?? ""), {
        transport: "udp",
        hostname: GROUP,
        port: GROUP_PORT,
      });
      return new Response();
    case "/heard":
      return new Response(await heardUpTo(searchParams.get("text") ?? ""));
    default:
      return new Response("", { status: 404 });
  }
}

/** Who answers there: "nobody" when no one does in time. */
async function nameAt(address: string, msMax: number): Promise<string> {
  try {
    const signal = AbortSignal.timeout(msMax);
    return await (await fetch(`http://${address}:${PORT}/name`, { signal })).text();
  } catch {
    return "nobody";
  }
}

async function hear(): Promise<void> {
  for await (const [bytes] of group) {
    heard.push(new TextDecoder().decode(bytes));
    onHeard.resolve();
    onHeard = Promise.withResolvers();
  }
}

/** Everything that it has heard, once that text is among it. */
async function heardUpTo(text: string): Promise<string> {
  while (!heard.includes(text)) await onHeard.promise;
  return heard.join(" ");
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
