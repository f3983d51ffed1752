/** Prepared requests on their way to a load generator: each as its length (32 bits, little-endian) and its bytes. */

export async function writeRequests(path: string, requests: readonly Uint8Array[]): Promise<void> {
  const size = requests.reduce((sum, { length }) => sum + 4 + length, 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let end = 0;
  for (const request of requests) {
    view.setUint32(end, request.length, true);
    bytes.set(request, end + 4);
    end += 4 + request.length;
  }
  await Deno.writeFile(path, bytes);
}

export async function readRequests(path: string): Promise<Uint8Array[]> {
  const bytes = await Deno.readFile(path);
  const view = new DataView(bytes.buffer);
  const requests: Uint8Array[] = [];
  for (let end = 0; end < bytes.length;) {
    const start = end + 4;
    end = start + view.getUint32(end, true);
    requests.push(bytes.subarray(start, end));
  }
  return requests;
}
