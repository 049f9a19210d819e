// Sketch: what is drawn on the left appears as a photo on the right.
import { Bench, absentNote, coloured } from "../bench.js";
import { button, check, dropsOn, dropzone, group, h, icon, say, segments, select, slider, toast } from "../dom.js";
import { FEATURES, Paper, byEyes, frameOf } from "../paper.js";
import { Stage } from "../stage.js";

const TOOLS = [["pen", "Pen", "pen"], ["brush", "Brush", "brush"], ["eraser", "Eraser", "eraser"]];
const SIZES = { pen: 0.045, brush: 0.16, eraser: 0.2 };
/** What a model does with a drawing, for people who have not heard of it. */
const TOLD = {
  isegan: "In two steps: the drawing becomes a map of the face's regions, a parsing, and both become the photo. Best for what is drawn by hand; a stroke shows a little later than with the general portrait.",
  portrait: "In one step, by a network of the kind that is called pix2pix. Quick, and best for whole drawings, as of photos; a few strokes on an empty paper give a blur.",
  joint: "The model of Any mix, in one step: quick, and it paints what is rubbed out of a drawing anew.",
};
/** The model that draws where the one that was chosen is not there. */
const FALLBACK = "portrait";

export class SketchBench extends Bench {
  static key = "sketch";
  static title = "Sketch";
  static local = true;
  static initial = { ops: [], model: "isegan", modelName: "", parsing: null };
  static keys = [
    ["N B E", "pen, brush, eraser"], ["[ ]", "finer, broader"], ["← → ↑ ↓", "move the cross (with Shift: further)"], ["Space", "put the pen down, or lift it"],
  ];

  build() {
    this.tool = "pen";
    this.widths = { ...SIZES };
    this.view = "drawing";
    this.painting = "hair";
    this.guides = true;
    this.paper = new Stage({ label: "Paper: draw a face here", describe: this.describe });
    this.face = new Stage({ label: "The photo of the drawing", focus: false });
    this.paper.element.style.background = "#fff";
    this.hint = h("div", { class: "empty" }, icon("pen"), h("h2", {}, "Draw a face"), h("p", {}, "or drop a sketch, or a photo that is drawn for you. The photo appears while you draw."));
    this.hint.style.pointerEvents = "none";
    this.hint.style.color = "#5a5d63";
    this.hint.querySelector("h2").style.color = "#1c1d1f";
    this.waiting = h("p", {});
    this.wait = h("div", { class: "empty" }, this.waiting);
    this.paper.element.append(this.hint);
    this.face.element.append(this.wait);
    this.board.classList.add("two");
    this.board.append(this.paper.element, this.face.element);
    this.drawing = new Paper(this.backend, () => { this.redraw(); this.ask(); });
    this.paper.draw = (context, width, height) => this.lay(context, width, height);
    this.paper.repaint = () => this.redraw();
    dropsOn(this.paper.element, (files) => this.take(files));
    this.pointing();

    this.zone = dropzone("Drop a sketch or a photo", "photos are drawn first", "image/*", (files) => this.take(files), false);
    const effects = this.backend.tables.effects ?? [];
    this.effect = effects.length ? select("Photos are drawn as", effects.map((name) => [name, name.replaceAll("_", " ")]), effects.includes("pencil") ? "pencil" : effects[0], (effect) => this.trying(() => this.drawnAs(effect))) : null;
    this.photos = h("div", { class: "tiles" });
    this.photoGroup = group(this.backend.kind === "server" ? "Photos" : "Sample drawings", this.photos);
    this.tools = segments("Tool", TOOLS, this.tool, (tool) => this.pick(tool));
    this.width = slider("Width", { min: 0.02, max: 0.5, step: 0.005, value: this.widths.pen, show: (value) => `${Math.round(value * 100)}` }, (value) => { this.widths[this.tool] = value; });
    this.left.append(
      group("Draw", this.tools, this.width, check("Guide lines", true, (on) => { this.guides = on; this.redraw(); }), button("Clear the paper", { icon: "bin", kind: "little" }, () => this.doc.ops.length && this.change({ ops: [], parsing: null }))),
      this.zone, ...(this.effect ? [this.effect] : []), this.photoGroup);

    this.model = select("Model", [], "", (value) => this.use(value));
    this.modelWords = h("p", { class: "small soft" });
    this.absent = absentNote();
    this.views = segments("Paper shows", [["drawing", "Drawing"], ["parsing", "Parsing"]], this.view, (view) => this.look(view));
    this.classes = h("div", { class: "swatches", role: "radiogroup", "aria-label": "Paint with" });
    this.parsingWords = h("p", { class: "small soft" });
    this.followButton = button("Follow the drawing again", { icon: "reset", kind: "little" }, () => this.change({ parsing: null }));
    this.parsingGroup = group("Parsing", this.views, this.parsingWords, this.classes, this.followButton);
    this.eraseGroup = group("Erase and repair", h("p", { class: "small soft" }, "A feature is rubbed out of the drawing, in the tone round it. The general portrait, Any mix and a person's own model paint one that fits the rest; ISEGAN leaves a smudge."),
      h("div", { class: "row even" }, Object.keys(FEATURES).map((name) => button(name[0].toUpperCase() + name.slice(1), { kind: "little" }, () => this.erase(name)))));
    this.right.append(group("Model", this.model, this.absent, this.modelWords), this.parsingGroup, this.eraseGroup);
  }

  get stage() { return this.face; }

  layout() {
    const { clientWidth: width, clientHeight: height } = this.board;
    this.paper.fit((width - 48 - 22) / 2, height - 48);
    this.face.fit((width - 48 - 22) / 2, height - 48);
  }

  forget() { this.drawing.forget(); this.face.paint(null); this.asked = null; }

  restored() {
    super.restored();
    this.sent = this.sentParsing = null;
  }

  fileName() { return "face-sketch"; }

  /** In the page alone results have no intermediates; the drawing is at hand. */
  befores() {
    if (this.backend.kind === "server") return [];
    const { width, height } = this.drawing.canvas(this.doc.ops);
    const copy = h("canvas", { width, height });
    copy.getContext("2d").drawImage(this.drawing.small, 0, 0);
    return [["drawing", copy]];
  }

  pasteable() { return false; }

  systems() {
    return this.backend.systems.filter(({ conditions }) => conditions.some(({ kind }) => kind === "drawing"));
  }

  system() { return this.known(this.doc.model) ?? this.known(FALLBACK) ?? this.systems()[0]; }

  known(model) { return this.systems().find(({ name }) => name === model); }

  /** Draw with a model; its words are noted, for where it is not there any more. */
  use(model) { this.change({ model, modelName: words(this.known(model)) }); }

  condition() { return this.system().conditions.find(({ kind }) => kind === "drawing").name; }

  hasParsing() { return staged(this.system()); }

  pick(tool) {
    this.tool = tool;
    this.tools.set(tool);
    this.width.set(this.widths[tool]);
    say(tool);
  }

  look(view) {
    this.view = view;
    this.views.set(view);
    this.update();
  }

  update() {
    const doc = this.doc;
    const systems = this.systems();
    const system = this.system();
    this.model.fill(systems.map((one) => [one.name, words(one)]), system.name);
    this.modelWords.textContent = TOLD[system.name] ?? system.what ?? "";
    const chosen = doc.modelName || (this.backend.kind === "server" ? doc.model : ""); // the page alone has no ISEGAN
    this.absent.tell(system.name === doc.model ? "" : chosen, words(system));
    const frame = frameOf(system);
    if (JSON.stringify(frame) !== JSON.stringify(this.frame)) {
      this.frame = frame;
      this.drawing.frame(frame);
      this.paper.ratio = this.face.ratio = frame.width / frame.height;
      this.asked = null;
      this.layout();
    }
    const able = this.hasParsing();
    const elsewhere = systems.find(staged);
    this.parsingGroup.hidden = !able && !elsewhere;
    if (!able) this.view = "drawing";
    this.views.hidden = !able;
    this.views.set(this.view);
    this.parsingWords.textContent = `A parsing is a map of the face: which pixels are skin, hair, eyes, lips. ${!able ? "ISEGAN makes one of the drawing, and follows what you paint on it." : doc.parsing ? "The photo follows the one that you painted." : "Paint on it, and the photo follows."}`;
    if (!able && !this.offer) this.parsingGroup.append(this.offer = button("Use ISEGAN", { kind: "little" }, () => this.use(elsewhere.name)));
    if (this.offer) this.offer.hidden = able;
    this.followButton.hidden = !doc.parsing;
    this.classes.hidden = this.view !== "parsing";
    if (this.view === "parsing" && !this.classes.children.length) this.swatches();
    const pictures = this.backend.kind === "server" ? this.app.pictures : this.backend.drawings ?? [];
    const state = JSON.stringify(pictures.map(({ id }) => id));
    if (state !== this.listed) {
      this.listed = state;
      this.photoGroup.hidden = !pictures.length;
      this.photos.replaceChildren(...pictures.map((picture) => this.photo(picture, { "aria-label": `Draw ${picture.name}`, onclick: () => this.trying(() => this.lay_(picture)) })));
    }
    const laid = doc.ops.find(({ t }) => t === "i");
    if (laid?.effect) this.effect?.set(laid.effect);
    this.face.warn(laid?.faceless ? `no face was seen in ${laid.faceless}: what is made of it is hardly one` : "");
    this.hint.hidden = doc.ops.length > 0 || Boolean(this.current);
    if (!doc.ops.length) this.face.paint(null);
    this.awaited();
    this.redraw();
    this.ask();
  }

  entered() { this.asked = null; this.refresh(); this.ask(); }

  async refresh() {
    try { await this.backend.refresh?.(); this.update(); } catch { /* what is known will do */ }
  }

  swatches() {
    this.classes.replaceChildren(...Object.entries(this.backend.tables.classes).map(([name, colour]) => {
      const mark = h("i");
      mark.style.background = `rgb(${colour.join(" ")})`;
      return h("button", {
        type: "button", role: "radio", "aria-checked": String(name === this.painting), onclick: (event) => {
          this.painting = name;
          [...this.classes.children].forEach((one) => one.setAttribute("aria-checked", String(one === event.currentTarget)));
        },
      }, mark, name);
    }));
  }

  // Pictures as drawings

  async take(files) {
    const [picture] = await this.app.add(files.slice(0, 1));
    if (picture) await this.trying(() => this.lay_(picture));
  }

  /** Lay a picture on the paper: a photo as a drawing, a sketch as it is, its eyes where the framing has them. */
  async lay_(picture) {
    let { id, width, height } = picture;
    const { name } = picture;
    const drawn = {};
    let shrunk = 1;
    if (this.backend.kind === "server" && (await coloured(this.backend.pictureAddress(id, 160)))) {
      Object.assign(drawn, { from: id, effect: this.effect.querySelector("select").value });
      ({ id, width, height } = await this.drawn(drawn));
      shrunk = picture.width / width;
      toast(`${name} is a photo: drawn as ${this.effect.querySelector("select").selectedOptions[0].textContent}`);
    }
    let place = picture.place;
    if (!place) {
      try {
        const { points } = await this.backend.landmarks(picture.id);
        place = byEyes(points).map((value, n) => (n < 4 ? value * shrunk : value));
      } catch {
        const k = this.frame;
        const scale = Math.min(k.width / width, k.height / height) / k.unit;
        place = [scale, 0, 0, scale, (k.width / 2 - k.cx) / k.unit - (scale * width) / 2, (k.height / 2 - k.cy) / k.unit - (scale * height) / 2];
        drawn.faceless = name;
        toast(`no face was seen in ${name}: it is laid on the paper as a whole`, true);
      }
    }
    this.change({ ops: [{ t: "i", id, m: place.map((value) => Math.round(value * 1e6) / 1e6), ...drawn }], parsing: null });
  }

  /** A photo of the session as a drawing, which becomes a picture that the page alone knows. */
  async drawn({ from, effect }) { return this.backend.addPicture(await this.backend.drawing(from, effect), "drawing.png", { internal: true }); }

  /** Draw the photo that lies on the paper in another way; what was drawn over it stays. */
  async drawnAs(effect) {
    const laid = this.doc.ops.find(({ from }) => from);
    if (!laid) return undefined;
    const { id } = await this.drawn({ from: laid.from, effect });
    say(`drawn as ${effect.replaceAll("_", " ")}`);
    return this.change((doc) => ({ ...doc, ops: doc.ops.map((op) => (op === laid ? { ...laid, id, effect } : op)), parsing: null }));
  }

  erase(name) {
    if (!this.doc.ops.length) return toast("There is no drawing yet");
    this.change({ ops: [...this.doc.ops, ...FEATURES[name].map((box) => ({ t: "e", box, tone: this.drawing.tone(this.doc.ops, box) }))] });
    return say(`${name} erased`);
  }

  // Drawing

  redraw() {
    const stage = this.paper;
    if (!stage.dense || !this.frame) return;
    const context = stage.picture.getContext("2d");
    const { width, height } = stage.picture;
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (this.view === "parsing") {
      context.fillStyle = "#222";
      context.fillRect(0, 0, width, height);
      context.imageSmoothingEnabled = false;
      const map = this.parsingCanvas();
      if (map) context.drawImage(map, 0, 0, width, height);
      context.imageSmoothingEnabled = true;
      context.globalAlpha = 0.25;
      context.globalCompositeOperation = "multiply";
      this.drawing.render(context, width, height, this.doc.ops, this.current);
      context.globalAlpha = 1;
      context.globalCompositeOperation = "source-over";
    } else {
      this.drawing.render(context, width, height, this.doc.ops, this.current);
    }
    this.paper.relay();
  }

  lay(context, width, height) {
    const k = this.frame;
    const at = ([u, v]) => [((k.cx + u * k.unit) / k.width) * width, ((k.cy + v * k.unit) / k.height) * height];
    if (this.guides && this.view === "drawing") {
      const unit = (k.unit / k.width) * width;
      context.strokeStyle = "rgb(36 89 74 / 26%)";
      context.lineWidth = 1;
      context.setLineDash([3, 5]);
      context.beginPath();
      const [x, y] = at([0, 0.3]);
      context.ellipse(x, y, 1.14 * unit, 1.5 * unit, 0, 0, 7);
      for (const [from, to] of [[[-1.2, 0], [1.2, 0]], [[0, -1.3], [0, 1.9]], [[-0.45, 1.11], [0.45, 1.11]], [[-0.25, 0.68], [0.25, 0.68]]]) {
        context.moveTo(...at(from));
        context.lineTo(...at(to));
      }
      context.stroke();
      context.setLineDash([]);
    }
    const focused = document.activeElement === this.paper.element && this.byKeys;
    if (focused || this.pointer) {
      const place = focused ? this.cross : this.pointer;
      const [x, y] = at(place);
      const radius = Math.max(((this.widths[this.tool] * k.unit) / k.width) * width / 2, 2);
      context.strokeStyle = "rgb(0 0 0 / 70%)";
      context.lineWidth = 1;
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      if (focused) { context.moveTo(x - radius - 8, y); context.lineTo(x + radius + 8, y); context.moveTo(x, y - radius - 8); context.lineTo(x, y + radius + 8); }
      context.stroke();
    }
  }

  /** What stands in the photo's place until there is one. */
  awaited() {
    this.wait.hidden = Boolean(this.face.bitmap);
    const text = this.doc.ops.length || this.current ? "The photo is being made…" : "The photo appears here.";
    if (this.waiting.textContent !== text) this.waiting.textContent = text;
  }

  /** A pointer's place in eye distances from between the eyes. */
  at(event) {
    const [x, y] = this.paper.place(event);
    const k = this.frame;
    return [(x * k.width - k.cx) / k.unit, (y * k.height - k.cy) / k.unit];
  }

  begin([u, v], pressure) {
    this.current = { t: "s", tool: this.tool, w: this.widths[this.tool], p: [round(u), round(v), round(pressure)] };
    if (this.view === "parsing") this.current = { ...this.current, tool: "class", c: this.painting, w: Math.max(this.current.w, 0.06) };
    this.hint.hidden = true;
    this.awaited();
    this.stroked();
  }

  go([u, v], pressure) {
    const p = this.current.p;
    if (Math.hypot(u - p.at(-3), v - p.at(-2)) < 0.008) return;
    p.push(round(u), round(v), round(pressure));
  }

  stroked() {
    this.redraw();
    this.ask();
  }

  finish() {
    if (!this.current) return;
    const stroke = this.current;
    this.current = null;
    if (stroke.tool === "class") this.painted(stroke);
    else this.change({ ops: [...this.doc.ops, stroke] });
  }

  pointing() {
    const element = this.paper.element;
    element.style.cursor = "crosshair";
    element.addEventListener("pointerleave", () => { this.pointer = null; this.paper.relay(); });
    element.addEventListener("pointerdown", (event) => {
      if (event.button || this.current) return;
      if (this.view === "parsing" && !this.parsingCanvas()) return;
      element.setPointerCapture(event.pointerId);
      this.byKeys = false;
      this.pen = event.pointerId;
      this.begin(this.at(event), force(event));
    });
    element.addEventListener("pointermove", (event) => {
      this.pointer = this.at(event);
      this.byKeys = false;
      if (!this.current || event.pointerId !== this.pen) return this.paper.relay();
      const some = event.getCoalescedEvents?.() ?? [];
      for (const one of some.length ? some : [event]) this.go(this.at(one), force(one));
      return this.stroked();
    });
    const end = (event) => { if (event.pointerId === this.pen) { this.pen = null; this.finish(); } };
    element.addEventListener("pointerup", end);
    element.addEventListener("pointercancel", end);
    element.addEventListener("blur", () => { if (this.byKeys) this.finish(); this.paper.relay(); });
    element.addEventListener("focus", () => this.paper.relay());
    this.cross = [0, 0];
    element.addEventListener("keydown", (event) => this.onCanvas(event));
  }

  onCanvas(event) {
    if (event.target !== this.paper.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? 0.2 : 0.04;
    const arrow = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[event.key];
    if (arrow) {
      this.byKeys = true;
      this.cross = this.cross.map((value, n) => Math.min(Math.max(value + arrow[n], -2.5), 2.5));
      if (this.current) { this.go(this.cross, 0.5); this.stroked(); }
      this.paper.relay();
    } else if (event.key === " ") {
      this.byKeys = true;
      if (this.current) { this.finish(); say("pen lifted"); } else { this.begin(this.cross, 0.5); say("pen down"); }
    } else return;
    event.preventDefault();
  }

  keyed(event) {
    const tool = { n: "pen", b: "brush", e: "eraser" }[event.key];
    if (tool) return this.pick(tool);
    const factor = { "[": 1 / 1.2, "]": 1.2 }[event.key];
    if (factor) {
      this.widths[this.tool] = Math.min(Math.max(this.widths[this.tool] * factor, 0.02), 0.5);
      this.width.set(this.widths[this.tool]);
      this.paper.relay();
    }
    return undefined;
  }

  // The parsing

  /** The parsing as it is now, with what was painted on it; null while there is none. */
  parsingCanvas() {
    const { parsing } = this.doc;
    const k = this.frame;
    const base = parsing ? this.drawing.image(parsing.base) : this.lastParsing;
    if (!base) return null;
    this.map ??= h("canvas");
    if (this.map.width !== k.width || this.map.height !== k.height) { this.map.width = k.width; this.map.height = k.height; }
    const context = this.map.getContext("2d", { willReadFrequently: true });
    context.drawImage(base, 0, 0, k.width, k.height);
    const strokes = [...(parsing?.strokes ?? []), ...(this.current?.tool === "class" ? [this.current] : [])];
    for (const stroke of strokes) this.drawing.stroke(context, stroke, `rgb(${this.backend.tables.classes[stroke.c].join(" ")})`);
    return this.map;
  }

  async painted(stroke) {
    const { parsing } = this.doc;
    if (parsing) return this.change({ parsing: { ...parsing, strokes: [...parsing.strokes, stroke] } });
    return this.trying(async () => {
      const canvas = h("canvas", { width: this.frame.width, height: this.frame.height });
      canvas.getContext("2d").drawImage(this.lastParsing, 0, 0, canvas.width, canvas.height);
      const { id } = await this.backend.addPicture(await file(canvas), "parsing.png", { internal: true });
      this.drawing.images.set(id, canvas);
      this.change({ parsing: { base: id, strokes: [stroke] } });
    });
  }

  follows() { return this.hasParsing() && (this.doc.parsing || this.current?.tool === "class"); }

  // Asking

  ask() {
    if (!this.frame || (!this.doc.ops.length && !this.current)) return;
    if (!this.drawing.ready(this.doc.ops) || (this.doc.parsing && !this.drawing.image(this.doc.parsing.base))) return;
    const system = this.system();
    const moving = this.current ? this.current.p.length : 0;
    const state = [this.doc.ops, this.doc.parsing, system.name, this.current, moving, this.view];
    if (this.asked && state.every((one, n) => one === this.asked[n])) return;
    this.asked = state;
    const { data, width, height } = this.drawing.grey(this.doc.ops, this.current);
    const conditions = { [this.condition()]: { blob: 0 } };
    const blobs = [{ data, width, height, raw: "grey" }];
    const want = ["picture"];
    if (this.hasParsing()) {
      want.push("parsing");
      if (this.follows()) {
        conditions.parsing = { blob: 1 };
        const map = this.parsingCanvas();
        const pixels = map.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, map.width, map.height);
        blobs.push({ data: pixels.data, width: map.width, height: map.height, raw: "rgba" });
      }
    }
    this.backend.live.ask("sketch", { system: system.name, conditions, options: { frame: "as-is" }, want, format: this.view === "parsing" ? "png" : "jpeg" }, blobs, (answer) => {
      if (!this.doc.ops.length && !this.current) return;
      this.face.paint(answer.pictures.picture.bitmap);
      this.awaited();
      if (answer.pictures.parsing) {
        this.lastParsing = answer.pictures.parsing.bitmap;
        if (this.view === "parsing" && !this.doc.parsing && !this.current) this.redraw();
      }
      this.timed(answer);
    }, (line) => toast(line, true));
  }

  async request() {
    const { ops, parsing } = this.doc;
    if (!ops.length) return null;
    const system = this.system();
    if (this.sent?.ops !== ops || this.sent.frame !== this.frame) {
      const { id } = await this.backend.addPicture(await file(this.drawing.canvas(ops)), "drawing.png", { internal: true, kept: false });
      this.sent = { ops, frame: this.frame, id };
    }
    const conditions = { [this.condition()]: this.sent.id };
    if (parsing && this.hasParsing()) {
      if (this.sentParsing?.parsing !== parsing) {
        const { id } = await this.backend.addPicture(await file(this.parsingCanvas()), "parsing.png", { internal: true, kept: false });
        this.sentParsing = { parsing, id };
      }
      conditions.parsing = this.sentParsing.id;
    }
    return { system: system.name, conditions, options: { frame: "as-is" } };
  }
}

/** Whether a system makes a parsing of its drawing first, which can be painted on. */
const staged = ({ conditions }) => conditions.some(({ kind, needed }) => kind === "drawing" && needed) && conditions.some(({ kind }) => kind === "parsing");
const words = (one) => ({ portrait: "General portrait", isegan: "ISEGAN: through a parsing", joint: "Any mix" }[one.name] ?? one.title ?? `${one.recipe?.split(":").pop() ?? one.name} (a person's)`);
const round = (value) => Math.round(value * 1000) / 1000;
const force = (event) => (event.pointerType === "pen" && event.pressure ? event.pressure : 0.5);
const file = (canvas) => new Promise((done) => { canvas.toBlob(done, "image/png"); });
