// The studio without a server: landmarks and drawings by onnxruntime-web, on the graphs and weights of the library.
import { changed } from "./faces.js";
import { Vault, blobOf } from "./vault.js";

const at = (path) => new URL(path, document.baseURI).href;

export class Server {
  kind = "local";
  held = new Map(); // id → {name, blob, address}
  results = new Map();
  graphs = new Map();

  async open() {
    const told = await (await fetch(at("models.json"))).json();
    Object.assign(this, told);
    this.live = new LocalLive(this);
    this.vault = await new Vault().open();
    this.ort = await import(at("runtime/ort.wasm.min.mjs"));
    this.ort.env.wasm.wasmPaths = at("runtime/");
    this.ort.env.wasm.numThreads = 1;
    if ("serviceWorker" in navigator && location.protocol.startsWith("http")) navigator.serviceWorker.register("sw.js").catch(() => {});
    return this;
  }

  note() { return `${(this.bytes / 2 ** 20).toFixed(0)} MB, works offline after the first visit; no picture leaves this machine`; }

  async graph(system, name) {
    const key = `${system}/${name}`;
    if (!this.graphs.has(key)) this.graphs.set(key, this.opened(system, name));
    return this.graphs.get(key);
  }

  async opened(system, name) {
    this.weights ??= new Map();
    if (!this.weights.has(system)) this.weights.set(system, fetch(at(`models/${system}/weights.safetensors`)).then((answer) => answer.arrayBuffer()));
    const data = new Uint8Array(await this.weights.get(system));
    return this.ort.InferenceSession.create(at(`models/${system}/${name}.onnx`), { executionProviders: ["wasm"], externalData: [{ path: "weights.safetensors", data }] });
  }

  /** One face: its pixels as ImageData, and what is said of it. */
  async face(system, { conditions, options = {} }, blobs = []) {
    const { size, mask } = this.systems.find(({ name }) => name === system);
    const tensor = (values, shape) => new this.ort.Tensor("float32", values, shape);
    if (system === "landmark") {
      const points = changed(conditions.landmarks, options);
      const landmarks = tensor(Float32Array.from(points.flat(), (value) => (value + 0.5) / size), [1, 68, 2]);
      const [converter, generator, score] = await Promise.all(["converter-0", "generator-0", "ood-score"].map((name) => this.graph(system, name)));
      const { converted, unbounded } = options.convert === false ? { converted: landmarks, unbounded: landmarks } : await converter.run({ landmarks });
      const { face } = await generator.run({ landmarks: converted });
      const told = await score.run({ landmarks: unbounded });
      return { pixels: pixels(face.data, size), made: { ood_score: told.score.data[0] } };
    }
    const drawing = blobs.length ? blobs[0] : this.drawn(conditions.drawing);
    const graph = await this.graph(system, "generator");
    const source = planes(drawing, size);
    const feeds = { source: tensor(source, [1, 3, size, size]) };
    if (mask) feeds.mask = tensor(new Float32Array(mask).fill(1), [1, mask]); // no noise
    const { made } = await graph.run(feeds);
    return { pixels: pixels(made.data, size), made: {} };
  }

  async addPicture(file, name = file.name, { kept = true } = {}) {
    const id = `p${this.held.size + 1}-${Math.random().toString(36).slice(2, 8)}`;
    try { await this.hold(id, name, file); } catch { throw new Error(`${name}: is not a picture that this browser reads`); }
    if (kept) await this.vault.keep({ id, name, blob: file });
    const { width, height } = this.held.get(id).bitmap;
    return { id, name, width, height, warnings: [] };
  }

  async hold(id, name, blob) { this.held.set(id, { name, blob, bitmap: await createImageBitmap(blob), address: URL.createObjectURL(blob) }); }

  /** A drawing that was sent, in greys. */
  drawn(id) {
    const { bitmap } = this.held.get(id);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const grey = new Uint8Array(bitmap.width * bitmap.height);
    for (let i = 0; i < grey.length; i += 1) grey[i] = (77 * data[4 * i] + 150 * data[4 * i + 1] + 29 * data[4 * i + 2] + 128) >> 8;
    return { data: grey, width: bitmap.width, height: bitmap.height };
  }

  async pictures() { return []; }
  pictureAddress(id) { return this.held.get(id)?.address ?? at(id); }
  async clear() { this.held.clear(); await this.vault.clear(); }

  async landmarks(id) {
    const sample = this.samples.find((one) => one.id === id);
    if (!sample) throw new Error("landmarks of photos are not read in the page");
    return { framed: sample.framed, faces: 1, framing: null };
  }

  async make(system, request) {
    const { pixels: made } = await this.face(system, request);
    const canvas = new OffscreenCanvas(made.width, made.height);
    canvas.getContext("2d").putImageData(made, 0, 0);
    const blob = marked(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer(), `likeness ${system} ${this.version}`, this.policy);
    const id = String(this.results.size + 1);
    const picture = URL.createObjectURL(blob);
    const landmark = system === "landmark";
    const input = landmark ? "landmarks.json" : "drawing.png";
    const file = landmark ? new Blob([JSON.stringify({ points: request.conditions.landmarks })], { type: "application/json" }) : this.held.get(request.conditions.drawing).blob;
    const options = Object.entries({ ...request.options }).filter(([name]) => name !== "framed" && name !== "convert");
    const flags = [...options.map(([name, value]) => ` --${name} ${value}`)].join("");
    const python = options.map(([name, value]) => `, ${name}=${typeof value === "number" ? value : `"${value}"`}`).join("");
    const own = request.options.convert === false;
    this.results.set(id, { picture, inputs: { [input]: URL.createObjectURL(file) } });
    return {
      id, picture, intermediates: [], notes: [], inputs: [input],
      command: landmark ? `likeness make landmark --landmarks landmarks.json --framed true${own ? " --convert false" : ""}${flags} -o face.png` : `likeness make portrait --drawing drawing.png${flags} -o face.png`,
      python: `import likeness\nface = likeness.load("${system}")(${landmark ? `landmarks="landmarks.json", framed=True${own ? ", convert=False" : ""}` : 'drawing="drawing.png"'}${python})\nface.save("face.png")`,
    };
  }

  resultAddress(id) { return this.results.get(id).picture; }
  resultPart(id, part) { return this.results.get(id).inputs[part.split("/").pop()]; }

  async keepState(state, history = {}) {
    this.kept = state;
    await this.vault.write("state", { ...state, ...history });
  }

  async state() {
    for (const { id, name, blob } of await this.vault.pictures()) await this.hold(id, name, blob);
    return this.vault.note("state");
  }

  async sessionFile() {
    const pictures = await Promise.all([...this.held].map(async ([id, { name, blob }]) => ({ id, name, type: blob.type, data: await base64(blob) })));
    return new Blob([JSON.stringify({ likeness_session: 1, version: this.version, state: this.kept, pictures })], { type: "application/json" });
  }

  async openSession(file) {
    let told;
    try { told = JSON.parse(await file.text()); } catch { told = null; }
    if (told?.likeness_session !== 1) throw new Error("this is no session of likeness");
    await this.clear();
    for (const { id, name, type, data } of told.pictures) {
      const blob = blobOf(data, type);
      await this.hold(id, name, blob);
      await this.vault.keep({ id, name, blob });
    }
    return { state: told.state, pictures: [] };
  }
}

/** The newest request of each stream, one after the other. */
class LocalLive extends EventTarget {
  constructor(server) { super(); this.server = server; this.waiting = new Map(); this.busy = false; }

  ask(stream, header, blobs, done, failed = () => {}) {
    this.waiting.set(stream, { header, blobs, done, failed, since: performance.now() });
    requestAnimationFrame(() => this.next());
  }

  async next() {
    if (this.busy || !this.waiting.size) return;
    const [stream, { header, blobs, done, failed, since }] = this.waiting.entries().next().value;
    this.waiting.delete(stream);
    this.busy = true;
    try {
      const { pixels: made, made: told } = await this.server.face(header.system, header, blobs);
      done({ pictures: { picture: { bitmap: await createImageBitmap(made) } }, made: told, notes: [], waited: performance.now() - since });
    } catch (problem) { failed(problem.message ?? String(problem)); }
    this.busy = false;
    this.next();
  }
}

/** A grey drawing as three planes in [-1, 1], halved by the mean of four pixels where it is twice as large. */
function planes({ data, width }, size) {
  const plane = new Float32Array(size * size);
  const fine = width / size;
  for (let y = 0; y < size; y += 1) for (let x = 0; x < size; x += 1) {
    let value = data[y * width + x];
    if (fine === 2) {
      const i = 2 * y * width + 2 * x;
      value = (data[i] + data[i + 1] + data[i + width] + data[i + width + 1] + 2) >> 2;
    }
    plane[y * size + x] = value / 127.5 - 1;
  }
  const made = new Float32Array(3 * plane.length);
  [0, 1, 2].forEach((k) => made.set(plane, k * plane.length));
  return made;
}

function pixels(values, size) {
  const made = new ImageData(size, size);
  const count = size * size;
  for (let i = 0; i < count; i += 1) {
    for (let k = 0; k < 3; k += 1) made.data[4 * i + k] = Math.round((values[k * count + i] + 1) * 127.5);
    made.data[4 * i + 3] = 255;
  }
  return made;
}

const base64 = (blob) => new Promise((done) => { const reader = new FileReader(); reader.onload = () => done(reader.result.split(",")[1]); reader.readAsDataURL(blob); });

/** A PNG with the mark of provenance, as likeness.provenance writes it. */
function marked(content, tool, source) {
  const packet = `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" Iptc4xmpExt:DigitalSourceType="${source}" xmp:CreatorTool="${tool}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`;
  const body = new TextEncoder().encode(`iTXtXML:com.adobe.xmp\0\0\0\0\0${packet}`);
  const chunk = new Uint8Array(body.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(body.length + 4, crc(body));
  return new Blob([content.slice(0, 33), chunk, content.slice(33)], { type: "image/png" }); // after the header, which is 33 bytes long
}

function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let k = 0; k < 8; k += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}
