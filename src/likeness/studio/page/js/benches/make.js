// Any mix: each thing that is known of a face from a picture of its own, and faces by chance of what none of them tells.
import { Bench, absentNote, coloured } from "../bench.js";
import { names } from "../store.js";
import { button, carried, dialog, dropsOn, dropzone, group, h, icon, say, select, toast } from "../dom.js";
import { Stage } from "../stage.js";

const COUNT = 9;
const HISTORY = 150;
const KNOWN = 200; // faces that are kept as they were painted
const SIDE = 72; // of a thumbnail of the history, in pixels
/** Conditions by where they stand: [title, [[condition, word, icon], …]]. */
const SLOTS = [
  ["Parts", [["parts", "All parts", "face"], ["eyes", "Eyes", "part"], ["nose", "Nose", "nose"], ["mouth", "Mouth", "mouth"], ["jaw", "Jaw", "jaw"], ["left_eye", "Left eye", "part"], ["right_eye", "Right eye", "part"]]],
  ["Shape", [["drawing", "Drawing", "pen"], ["parsing", "Parsing", "brush"], ["landmarks", "Landmarks", "point"]]],
  ["Person and photo", [["like", "Like", "person"], ["look", "Look", "sun"], ["keep", "Keep", "pin"], ["mask", "Mask", "eraser"]]],
];
/** What the words say that are not everybody's, beside the system's own. */
const SAID = { parsing: "a map of the face: which pixels are skin, hair, eyes, lips", look: "the colours of a photo: its hair, skin, light and ground", like: "photos of a person whom the face is to look like", keep: "a photo of which some pixels stay as they are" };
const VARIED = { person: "who it is", pose: "how the head is held, and the face's shape", hair: "the hair's colour and kind", light: "the light and the skin's colour", ground: "what is behind the head", rest: "the look of eyes, brows, nose and mouth", all: "everything that no picture tells" };
const SINGLE = ["left_eye", "right_eye"];
const VARY = { all: "Everything", person: "Person", pose: "Pose", hair: "Hair", light: "Light", ground: "Ground", rest: "The rest" };
const upper = (word) => word[0].toUpperCase() + word.slice(1).replaceAll("_", " ");
const chance = () => Math.floor(Math.random() * 2 ** 31);
const list = (value) => (Array.isArray(value) ? value : value ? [value] : []);

export class MakeBench extends Bench {
  static key = "make";
  static title = "Any mix";
  static initial = {
    slots: {}, effect: "", model: "", faces: Array.from({ length: COUNT }, (_, n) => ({ seed: n, hold: {} })), chosen: 0, varied: "", history: [],
  };
  static keys = [["← → ↑ ↓", "another face"], ["1 … 9", "that face"], ["V", "vary again what was varied last"], ["Delete", "empty the slot"]];

  build() {
    this.known = new Map(); // request as JSON → {bitmap, notes}
    this.asked = new Map(); // stream → the request that it was asked last
    this.failed = new Map(); // request → why it cannot be made
    this.keysOf = [];
    this.face = new Stage({ label: "The chosen face", describe: this.describe });
    this.face.element.addEventListener("keydown", (event) => this.onKeys(event));
    dropsOn(this.face.element, (files) => this.add(files));
    this.grid = h("div", { class: "many", role: "group", "aria-label": "Faces" });
    this.caption = h("p", { class: "caption", role: "status" });
    this.way = h("div", { class: "way", role: "group", "aria-label": "The way here" });
    this.content = h("div", { class: "mix" }, this.face.element, this.grid, this.caption, this.way);
    this.blank = h("div", { class: "empty" });
    this.board.append(this.content, this.blank);
    this.zone = dropzone("Drop pictures", "then put them where they belong", "image/*", (files) => this.add(files));
    this.samples = button("Use sample faces", { icon: "photo", kind: "little" }, () => this.trying(async () => {
      await this.app.samples();
      this.update();
      this.photos.querySelector("button")?.focus();
    }));
    this.photos = h("div", { class: "tiles" });
    this.photoGroup = group("Pictures", this.photos);
    this.arrange();
  }

  /** Systems that take whatever there is: nothing is needed, and chance makes the rest. */
  systems() { return this.backend.systems.filter(({ conditions, varying }) => Object.keys(varying ?? {}).length && !conditions.some((one) => one.needed)); }

  system() { return this.systems().find(({ name }) => name === this.doc.model) ?? this.systems()[0]; }

  get stage() { return this.face; }
  forget() { this.known.clear(); this.asked.clear(); this.failed.clear(); this.face.paint(null); }
  pasteable() { return Object.keys(this.doc.slots).some((name) => name === "keep" || name === "landmarks" || this.kind(name) === "parts"); }
  keptDoc() { const { history, ...rest } = this.doc; return rest; }
  kind(name) { return this.system()?.conditions.find((one) => one.name === name)?.kind; }
  picture(id) { return this.app.pictures.find((one) => one.id === id); }

  /** What stands at the sides, for the systems that there are. */
  arrange() {
    const systems = this.systems();
    const system = this.system();
    this.built = JSON.stringify([systems.map(({ name }) => name), system?.name]);
    this.middle.querySelector(".actions").hidden = !system;
    this.content.hidden = !system;
    this.blank.hidden = Boolean(system);
    this.left.replaceChildren();
    this.right.replaceChildren();
    if (!system) {
      this.blank.replaceChildren(icon("face"), h("h2", {}, "A face of any mix"),
        h("p", {}, "The model for it, joint, cannot be opened here. Weights that can are named by likeness studio --model joint=runs/joint."));
      return;
    }
    this.slots = new Map();
    const groups = SLOTS.map(([title, some]) => {
      const there = some.filter(([name]) => system.conditions.some((one) => one.name === name));
      const place = h("div", { class: "slots", role: "group", "aria-label": title });
      for (const [name, word, sign] of there) {
        const slot = h("div", { class: "slot", "data-slot": name });
        dropsOn(slot, (files) => this.take(name, files));
        this.slots.set(name, { word, sign, place: slot });
      }
      place.append(...there.map(([name]) => this.slots.get(name).place));
      if (title === "Parts") place.append(this.more = button("Single eyes", { kind: "little quiet" }, () => { this.single = true; this.update(); this.slots.get(SINGLE[0])?.place.firstChild.focus(); }));
      return there.length ? group(title, place) : null;
    }).filter(Boolean);
    const effects = this.backend.tables.effects ?? [];
    this.effect = select("Drawn first as", [["", "nothing: it is a drawing"], ...effects.map((name) => [name, name.replaceAll("_", " ")])], "", (effect) => this.go({ effect }));
    const shape = groups.find((one) => one.querySelector("h2").textContent === "Shape");
    shape?.append(this.effect);
    this.left.append(h("div", { class: "group" }, this.zone, this.samples), this.photoGroup, ...groups);

    const words = Object.keys(system.varying).sort((a, b) => (a === "all") - (b === "all"));
    this.varyButtons = words.map((word) => button(VARY[word] ?? upper(word), { kind: "little", title: `Eight faces that differ from the chosen one in this alone: ${VARIED[word] ?? word}`, "data-vary": word }, () => this.vary(word)));
    this.model = select("Model", systems.map(({ name, recipe }) => [name, `${name} (${recipe})`]), system.name, (model) => this.go({ model }));
    this.told = h("div", { class: "small soft" });
    this.right.append(
      group("Vary", h("p", { class: "small soft" }, "The chosen face stays; the other eight are like it but for this:"), h("div", { class: "pairs" }, this.varyButtons)),
      group("Made of", this.told, this.emptyButton = button("Empty all slots", { icon: "reset", kind: "little" }, () => this.go({ slots: {}, effect: "" }))),
      ...(systems.length > 1 ? [group("Model", this.model)] : []), this.absent = absentNote());
    this.drawn = null;
  }

  layout() {
    const width = this.board.clientWidth - 48;
    const height = this.board.clientHeight - 48 - 30 - (this.doc.history.length ? 92 : 0);
    const stacked = width < 480;
    const side = Math.max(Math.floor(stacked ? Math.min(width, (height - 22) / 2) : Math.min((width - 22) / 2, height, 520)), 120);
    this.face.fit(side, side);
    this.grid.style.width = `${side}px`;
    this.content.style.width = `${stacked ? side : 2 * side + 22}px`;
  }

  async entered() {
    try { await this.backend.refresh?.(); } catch { return; }
    if (JSON.stringify([this.systems().map(({ name }) => name), this.system()?.name]) !== this.built) { this.arrange(); this.update(); }
  }

  async add(files) {
    await this.app.add(files);
    this.update();
  }

  // What it is made of

  /** Faces on the way that were made of it are gone. */
  static without(doc, id) {
    const rest = super.without({ ...doc, history: doc.history?.filter((one) => !names(one, id)) ?? [] }, id);
    const kept = Object.entries(rest.slots).filter(([, value]) => !Array.isArray(value) || value.length).filter(([name]) => name !== "mask" || rest.slots.keep);
    return { ...rest, slots: Object.fromEntries(kept) };
  }

  /** A change of the face that is seen; where that one was shown, it can be gone back to. */
  go(fields, words) {
    this.change((doc) => ({ ...doc, history: this.noted(doc), ...(typeof fields === "function" ? fields(doc) : fields) }));
    if (words) say(words);
  }

  /** The history and in it the chosen face, if it has been seen and is not the last one there. */
  noted(doc) {
    const key = JSON.stringify(this.compose(doc.faces[doc.chosen], doc));
    const found = this.known.get(key);
    if (!found || doc.history.at(-1)?.key === key) return doc.history;
    const canvas = h("canvas", { width: SIDE, height: SIDE });
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(found.bitmap, 0, 0, SIDE, SIDE);
    const { slots, effect, faces, chosen, varied } = doc;
    return [...doc.history, { key, slots, effect, faces, chosen, varied, thumb: canvas.toDataURL("image/jpeg", 0.8) }].slice(-HISTORY);
  }

  /** Put a picture into a slot; into one that takes several, beside those that are there. */
  async put(name, id) {
    const several = this.kind(name) === "identity";
    const there = list(this.doc.slots[name]);
    const value = several ? (there.includes(id) ? there.filter((one) => one !== id) : [...there, id]) : id;
    if (several && !value.length) return this.clear(name);
    if (!several && there[0] === id) return undefined;
    const photo = name === "drawing" && (await coloured(this.backend.pictureAddress(id, 160)).catch(() => false));
    const drawing = name === "drawing" ? { effect: photo ? this.effect.querySelector("select").value || this.backend.tables.effects[0] : "" } : {};
    return this.go((doc) => ({ slots: { ...doc.slots, [name]: value }, ...drawing }), `${this.slots.get(name).word}: ${this.named(value)}`);
  }

  async take(name, files) {
    const added = await this.app.add(this.kind(name) === "identity" ? files : files.slice(0, 1));
    for (const { id } of added) if (!list(this.doc.slots[name]).includes(id)) await this.trying(() => this.put(name, id));
    this.update();
  }

  clear(name) {
    if (!this.doc.slots[name]) return;
    const gone = name === "keep" ? ["keep", "mask"] : [name];
    this.go((doc) => ({
      slots: Object.fromEntries(Object.entries(doc.slots).filter(([one]) => !gone.includes(one))), ...(name === "drawing" ? { effect: "" } : {}),
    }), `${this.slots.get(name).word}: empty`);
  }

  named(value) { return list(value).map((id) => this.picture(id)?.name ?? "a picture").join(", "); }

  /** What a slot's picture is to be. */
  said(name) { return SAID[name] ?? this.system().conditions.find((one) => one.name === name).words; }

  tile(picture, pressed, run) {
    return h("button", {
      type: "button", class: "tile photo", title: picture.name, "aria-label": picture.name, "aria-pressed": pressed === null ? undefined : String(pressed), onclick: run,
    }, h("img", { src: this.backend.pictureAddress(picture.id, 160), alt: "", draggable: false }));
  }

  /** A slot's dialog: the pictures of the session, and a place for others. */
  fill(name) {
    const { word } = this.slots.get(name);
    const several = this.kind(name) === "identity";
    const tiles = h("div", { class: "tiles choose" });
    const box = dialog(word, [h("p", { class: "small soft" }, `${upper(this.said(name))}.`), tiles,
      dropzone("Drop pictures", "or choose them", "image/*", async (files) => { await this.take(name, files); if (several) lay(); else box.close(); }, several)]);
    const lay = (focus) => {
      tiles.replaceChildren(...this.app.pictures.map((one) => this.tile(one, list(this.doc.slots[name]).includes(one.id), () => this.trying(async () => {
        await this.put(name, one.id);
        if (several) lay(one.id); else box.close();
      }))));
      if (focus) tiles.children[this.app.pictures.findIndex(({ id }) => id === focus)]?.focus();
    };
    lay();
    tiles.firstChild?.focus();
    box.addEventListener("close", () => this.slots.get(name).place.firstChild?.focus());
  }

  /** A picture's dialog: where it belongs. */
  use(picture) {
    const box = dialog(`Use ${picture.name} as`, h("div", { class: "pairs" }, [...this.slots].filter(([name]) => name !== "mask" || this.doc.slots.keep).map(([name, { word, sign }]) =>
      button(word, { icon: sign, title: this.said(name), "aria-pressed": String(list(this.doc.slots[name]).includes(picture.id)) }, () => { box.close(); this.trying(() => this.put(name, picture.id)); }))));
  }

  laySlots() {
    const { doc } = this;
    const state = JSON.stringify([doc.slots, this.single, this.app.pictures.map(({ id }) => id)]);
    if (state === this.drawn) return;
    this.drawn = state;
    const held = document.activeElement?.closest(".slot");
    for (const [name, { word, sign, place }] of this.slots) {
      const value = doc.slots[name];
      const ids = list(value);
      place.hidden = (SINGLE.includes(name) && !this.single && !ids.length) || (name === "mask" && !doc.slots.keep);
      place.replaceChildren(h("button", {
        type: "button", class: `tile ${ids.length ? "photo" : ""}`, title: ids.length ? `${word}: ${this.named(value)}` : this.said(name), "aria-label": `${word}: ${ids.length ? this.named(value) : "empty"}`,
        onclick: () => this.fill(name), onkeydown: (event) => { if (event.key === "Delete" || event.key === "Backspace") { event.preventDefault(); this.clear(name); } },
      }, ids.length ? h("img", { src: this.backend.pictureAddress(ids[0], 160), alt: "", draggable: false }) : icon(sign), h("span", { class: "word" }, ids.length > 1 ? `${word}: ${ids.length}` : word)),
      ids.length ? button("", { icon: "close", kind: "drop", title: `Empty ${word}` }, () => this.clear(name)) : "");
    }
    if (this.more) this.more.hidden = this.single || SINGLE.some((name) => doc.slots[name]);
    held?.firstChild?.focus();
    this.photoGroup.hidden = !this.app.pictures.length;
    this.samples.hidden = this.app.pictures.length > 0;
    this.photos.replaceChildren(...this.app.pictures.map((one) => {
      const held = this.photo(one, { "aria-label": `Use ${one.name}`, onclick: () => { if (!tile.dragged) this.use(one); } });
      const tile = held.firstChild;
      carried(tile, tile.querySelector("img").src, (under) => under?.closest(".slot"), (slot) => this.trying(() => this.put(slot.dataset.slot, one.id)));
      return held;
    }));
    const told = [...this.slots].filter(([name]) => doc.slots[name]).map(([name, { word }]) => h("p", {}, h("strong", {}, word), ` ${this.named(doc.slots[name])}`));
    this.told.replaceChildren(...told, h("p", {}, told.length ? "What these do not tell is chance." : "Nothing yet: everything is chance, and these people do not exist."));
    this.emptyButton.hidden = !told.length;
  }

  // Faces

  compose(face, doc = this.doc) {
    const conditions = Object.fromEntries(Object.entries(doc.slots).filter(([name]) => this.slots.has(name)).map(([name, value]) => [name, Array.isArray(value) && value.length === 1 ? value[0] : value]));
    const options = { ...(doc.effect && conditions.drawing ? { effect: doc.effect } : {}), ...(Object.keys(face.hold).length ? { hold: face.hold } : {}) };
    return { system: this.system().name, conditions, options, seed: face.seed };
  }

  async request() { return this.system() ? this.compose(this.doc.faces[this.doc.chosen]) : null; }

  /** Other chance in a word of the system's `varying` for all faces but the chosen one; codes of the rest are held at its seeds. */
  vary(word) {
    const { varying } = this.system();
    this.go((doc) => {
      const face = doc.faces[doc.chosen];
      const kept = varying.all.filter((code) => !varying[word].includes(code));
      const hold = Object.fromEntries(kept.map((code) => [code, face.hold[code] ?? face.seed]));
      return { varied: word, faces: doc.faces.map((one, n) => (n === doc.chosen ? one : { seed: chance(), hold })) };
    }, `${VARY[word] ?? word} varied`);
  }

  choose(n, focus = true) {
    this.settle({ chosen: n });
    if (focus) this.grid.children[n]?.focus();
    say(`Face ${n + 1}`);
  }

  takeUp({ slots, effect, faces, chosen, varied }) {
    this.go({ slots, effect, faces, chosen, varied }, "Gone back");
  }

  update() {
    if (!this.system() || !this.slots) return;
    const { doc } = this;
    this.laySlots();
    this.effect.hidden = !doc.slots.drawing;
    this.effect.set(doc.effect);
    this.model.set(this.system().name);
    this.absent.tell(doc.model === this.system().name ? "" : doc.model, this.system().name);
    for (const one of this.varyButtons) one.setAttribute("aria-pressed", String(one.dataset.vary === doc.varied));
    this.layFaces();
    this.layWay();
    this.layout();
  }

  layFaces() {
    const { doc } = this;
    const { size } = this.system();
    if (!this.grid.children.length) {
      this.grid.append(...doc.faces.map((_, n) => h("button", {
        type: "button", class: "tile photo", "aria-label": `Face ${n + 1}`, onclick: () => this.choose(n), onkeydown: (event) => this.onKeys(event),
      }, h("canvas", { width: size, height: size, "aria-hidden": "true" }))));
    }
    this.keysOf = doc.faces.map((face) => JSON.stringify(this.compose(face)));
    const order = [doc.chosen, ...doc.faces.keys()].filter((n, at, all) => all.indexOf(n) === at);
    for (const n of order) {
      const tile = this.grid.children[n];
      tile.setAttribute("aria-current", String(n === doc.chosen));
      tile.tabIndex = n === doc.chosen ? 0 : -1;
      this.show(n);
      const key = this.keysOf[n];
      if (!this.known.has(key) && !this.failed.has(key) && ![...this.asked.values()].includes(key)) this.ask(n === doc.chosen ? "make" : `make-${n}`, key);
    }
  }

  /** Paint a face where it stands, as soon as there is one; until then what stood there before, faintly. */
  show(n) {
    const tile = this.grid.children[n];
    const key = this.keysOf[n];
    const found = this.known.get(key);
    tile.classList.toggle("faint", !found);
    if (found && tile.painted !== found) {
      tile.painted = found;
      const canvas = tile.querySelector("canvas");
      canvas.width = found.bitmap.width;
      canvas.height = found.bitmap.height;
      canvas.getContext("2d").drawImage(found.bitmap, 0, 0);
    }
    if (n !== this.doc.chosen) return;
    if (found) this.face.paint(found.bitmap);
    this.face.warn(this.failed.get(key) ?? "");
    const words = found?.notes.join("; ") ?? "";
    if (this.caption.textContent !== words) this.caption.textContent = words;
    this.caption.classList.toggle("unseen", !words);
  }

  ask(stream, key) {
    this.asked.set(stream, key);
    const landed = () => { if (this.asked.get(stream) === key) this.asked.delete(stream); };
    const shown = () => this.keysOf.forEach((one, n) => { if (one === key) this.show(n); });
    this.backend.live.ask(stream, { ...JSON.parse(key), want: ["picture"] }, [], (answer) => {
      landed();
      this.known.set(key, { bitmap: answer.pictures.picture.bitmap, notes: answer.notes });
      if (this.known.size > KNOWN) this.known.delete(this.known.keys().next().value);
      shown();
      this.timed(answer);
    }, (line) => {
      landed();
      if (this.keysOf.includes(key) && ![...this.failed.values()].includes(line)) toast(line, true);
      this.failed.set(key, line);
      shown();
    });
  }

  layWay() {
    const { doc } = this;
    this.way.hidden = !doc.history.length;
    if (this.drawnWay === doc.history) return;
    this.drawnWay = doc.history;
    this.way.replaceChildren(h("h2", {}, "The way here"), ...doc.history.map((one, n) => h("button", {
      type: "button", class: "tile photo", title: "Go back to this face", "aria-label": `Go back to face ${n + 1} of the way`, onclick: () => this.takeUp(one),
    }, h("img", { src: one.thumb, alt: "" }))));
    this.way.scrollLeft = this.way.scrollWidth;
  }

  /** What a face can be compared with beside what the server has: the person that it is to be like. */
  befores() {
    const [first] = list(this.doc.slots.like);
    return first ? [["like", h("img", { src: this.backend.pictureAddress(first, 512), alt: "" })]] : [];
  }

  onKeys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    const across = getComputedStyle(this.grid).gridTemplateColumns.split(" ").length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
    if (!step) return;
    event.preventDefault();
    this.choose((this.doc.chosen + step + COUNT) % COUNT, event.target !== this.face.element);
  }

  keyed(event) {
    if (!this.system()) return;
    if (event.key === "v") this.vary(this.doc.varied || "all");
    else if (/^[1-9]$/.test(event.key)) this.choose(event.key - 1, false);
  }
}
