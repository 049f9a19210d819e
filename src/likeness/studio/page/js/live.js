// Live requests: at most one a frame and stream, two of a stream under way, and what is older than what was shown is dropped.

/** A message: a header and blobs as the API of the studio packs them. */
export function pack(header, blobs) {
  if (!blobs.length) return JSON.stringify(header);
  const head = new TextEncoder().encode(JSON.stringify(header));
  const sizes = blobs.map((blob) => blob.byteLength);
  const made = new Uint8Array(4 + head.length + sizes.reduce((sum, size) => sum + size, 0));
  new DataView(made.buffer).setUint32(0, head.length);
  made.set(head, 4);
  let at = 4 + head.length;
  blobs.forEach((blob, n) => { made.set(new Uint8Array(blob.buffer ?? blob, blob.byteOffset ?? 0, blob.byteLength), at); at += sizes[n]; });
  return made;
}

export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const pictures = {};
  for (const one of header.pictures ?? []) {
    pictures[one.name] = { ...one, blob: new Blob([new Uint8Array(buffer, at, one.bytes)], { type: one.type }) };
    at += one.bytes;
  }
  return { ...header, pictures };
}

/** Pictures of an answer are ImageBitmaps when it is handed over. */
export class Live extends EventTarget {
  /** `before()` is waited for before each connection. */
  constructor(address, before) {
    super();
    Object.assign(this, { address, before });
    this.streams = new Map();
    this.seq = 0;
    this.scheduled = false;
    this.open = false;
    this.wait = 250;
    this.connect();
  }

  async connect() {
    try { await this.before(); } catch { return this.again(); }
    const socket = new WebSocket(this.address);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => { this.open = true; this.wait = 250; this.dispatchEvent(new Event("open")); this.schedule(); };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.mistake(JSON.parse(data)) : this.answer(unpack(data)));
    socket.onclose = () => {
      if (this.open) this.dispatchEvent(new Event("close"));
      this.open = false;
      for (const stream of this.streams.values()) {
        const newest = stream.flying[stream.flying.length - 1];
        if (newest && !stream.next) stream.next = newest.request;
        stream.flying = [];
      }
      this.again();
    };
    this.socket = socket;
    return undefined;
  }

  /** Connect in a while. */
  again() {
    setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(this.wait * 2, 5000);
  }

  /**
   * Ask for a face. `header` has system, conditions, options and want; `blobs` are `{data, width, height, raw}` or `{data}`.
   * `done(answer)` is called for those that are not overtaken, `failed(line)` for mistakes.
   */
  ask(stream, header, blobs, done, failed = () => {}) {
    const state = this.stream(stream);
    state.next = { header, blobs, done, failed, since: performance.now() };
    this.schedule();
  }

  stream(name) {
    if (!this.streams.has(name)) this.streams.set(name, { next: null, flying: [], shown: 0 });
    return this.streams.get(name);
  }

  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => { this.scheduled = false; this.flush(); });
  }

  flush() {
    if (!this.open) return;
    for (const [name, state] of this.streams) {
      if (!state.next || state.flying.length >= 2) continue;
      const request = state.next;
      state.next = null;
      const seq = (this.seq += 1);
      const blobs = request.blobs.map(({ data, ...rest }) => ({ bytes: data.byteLength, ...rest }));
      state.flying.push({ seq, request });
      this.socket.send(pack({ seq, stream: name, ...request.header, blobs }, request.blobs.map((one) => one.data)));
    }
  }

  landed(name, seq) {
    const state = this.stream(name);
    const found = state.flying.find((one) => one.seq === seq);
    state.flying = state.flying.filter((one) => one.seq > seq);
    this.schedule();
    return found?.request;
  }

  async answer(told) {
    const request = this.landed(told.stream, told.seq);
    const state = this.stream(told.stream);
    if (!request) return;
    const pictures = {};
    await Promise.all(Object.entries(told.pictures).map(async ([name, one]) => {
      pictures[name] = { ...one, bitmap: await createImageBitmap(one.blob) };
    }));
    if (told.seq < state.shown) return;
    state.shown = told.seq;
    request.done({ ...told, pictures, waited: performance.now() - request.since });
  }

  mistake(told) {
    const request = this.landed(told.stream ?? "", told.seq);
    if (!request) return;
    if (request.again || !told.error.startsWith("there is no such")) { request.failed(told.error); return; }
    request.again = true; // the server may have forgotten the session while the connection stayed
    const ask = () => { this.stream(told.stream).next ??= request; this.schedule(); };
    this.before().then(ask, () => request.failed(told.error));
  }
}
