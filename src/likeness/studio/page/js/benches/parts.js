// Parts: eyes, noses, mouths and jaws of photos as tiles; what is put on makes a face.
import { Bench, message } from "../bench.js";
import { button, carried, dialog, dropsOn, dropzone, group, h, icon, say, segments, select, slider, toast } from "../dom.js";
import { Stage } from "../stage.js";

const WORDS = { eyes: "Eyes", nose: "Nose", mouth: "Mouth", jaw: "Jaw" };
const MEMBERS = { eyes: ["left_eye", "right_eye"], nose: ["nose"], mouth: ["mouth"], jaw: ["jaw"] };
const NUDGE = 0.02;
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const rounded = (value) => Math.round(value * 1000) / 1000;

export class PartsBench extends Bench {
  static key = "parts";
  static title = "Parts";
  static initial = { applied: {}, shift: {}, scale: {}, tone: {}, base: null };
  static keys = [
    ["[ ]", "choose another part"], ["← → ↑ ↓", "move it (with Shift: further)"], ["+ -", "larger, smaller"], ["Delete", "take it off"], ["R", "a random mix"],
  ];

  build() {
    this.tiles = new Map();
    this.selected = "mouth";
    this.canvas = new Stage({ label: "The face; parts on it can be moved", describe: this.describe });
    this.canvas.draw = (context, width) => this.lay(context, width);
    this.blank = h("div", { class: "empty" }, icon("face"), h("h2", {}, "A face of parts"),
      h("p", {}, "Drop photos: their eyes, noses, mouths and jaws become tiles. Put some on, and the face grows round them."),
      h("div", { class: "row" },
        button("Choose photos", { icon: "plus", kind: "main" }, () => this.zone.querySelector("input").click()),
        button("Use sample faces", { icon: "photo" }, () => this.trying(async () => {
          await this.start(this.app.samples());
          this.canvas.element.focus();
        }))));
    this.canvas.element.append(this.blank);
    this.board.append(this.canvas.element);
    this.pointing();
    dropsOn(this.canvas.element, (files) => this.start(this.app.add(files)));

    this.zone = dropzone("Drop photos", "or choose them; nothing leaves this machine", "image/*", (files) => this.start(this.app.add(files)));
    this.photos = h("div", { class: "tiles" });
    this.racks = Object.fromEntries(Object.keys(WORDS).map((part) => [part, h("div", { class: `tiles ${part === "eyes" ? "three" : ""}`, role: "group", "aria-label": WORDS[part] })]));
    this.rackGroups = Object.entries(this.racks).map(([part, rack]) => group(WORDS[part], rack));
    this.photoGroup = group("Photos", this.photos);
    this.left.append(this.zone, this.photoGroup, ...this.rackGroups);

    this.choice = segments("Part", Object.entries(WORDS), this.selected, (part) => this.choose(part));
    const percent = (value) => `${Math.round(value * 100)} %`;
    const signed = (value) => `${value > 0 ? "+" : ""}${Math.round(value * 100)}`;
    this.size = slider("Size", { min: 0.6, max: 1.5, step: 0.01, value: 1, show: percent, neutral: 1 }, (value, gesture) => this.set("scale", value, gesture));
    this.across = slider("Right", { min: -0.6, max: 0.6, step: 0.01, value: 0, show: signed, neutral: 0 }, (value, gesture) => this.set("shift", [value, this.moved()[1]], gesture));
    this.down = slider("Down", { min: -0.6, max: 0.6, step: 0.01, value: 0, show: signed, neutral: 0 }, (value, gesture) => this.set("shift", [this.moved()[0], value], gesture));
    this.light = slider("Brightness", { min: 0.6, max: 1.5, step: 0.01, value: 1, show: percent, neutral: 1 }, (value, gesture) => this.set("tone", [value, this.toned()[1]], gesture));
    this.warm = slider("Warmth", { min: -0.3, max: 0.3, step: 0.01, value: 0, show: signed, neutral: 0 }, (value, gesture) => this.set("tone", [this.toned()[0], value], gesture));
    this.base = select("Put back into", [["", "no photo"]], "", (value) => this.change({ base: value || null }));
    this.right.append(
      group("Part", this.choice, this.size, this.across, this.down, this.light, this.warm, h("div", { class: "row even" },
        button("As it was", { icon: "reset", kind: "little" }, () => this.asItWas()),
        button("Take off", { icon: "close", kind: "little" }, () => this.takeOff()))),
      group("Mix", h("div", { class: "row even" },
        button("Random", { icon: "dice", title: "A random mix (R)" }, () => this.random()),
        button("Matrix", { icon: "grid", title: "Everybody's parts with everybody's" }, () => this.matrix()))),
      group("Photo", this.base, h("p", { class: "small soft" }, "The face can then be saved in its place in that photo.")));
  }

  get stage() { return this.canvas; }
  layout() { this.canvas.fit(Math.min(this.board.clientWidth - 48, 600), this.board.clientHeight - 48); }
  forget() { this.tiles.clear(); this.canvas.paint(null); }
  pasteable() { return Boolean(this.doc.base); }
  fileName() { return "face-parts"; }
  moved() { return this.doc.shift[this.selected] ?? [0, 0]; }
  toned() { return this.doc.tone[this.selected] ?? [1, 0]; }

  async start(adding) {
    const added = (await adding) ?? [];
    await this.readTiles();
    const first = added.find(({ id }) => this.tiles.get(id)?.parts);
    if (first && !Object.keys(this.doc.applied).length) this.applyAll(first.id);
    else this.update();
  }

  /** The parts of every picture that has not been read yet. */
  async readTiles() {
    const fresh = this.app.pictures.filter(({ id }) => !this.tiles.has(id));
    for (const { id, name } of fresh) {
      this.tiles.set(id, {});
      try {
        const found = await this.backend.parts(id);
        found.by = Object.fromEntries(found.parts.map((part) => [part.name, part]));
        found.shown = {};
        for (const [word, members] of Object.entries(MEMBERS)) {
          if (members.every((member) => found.by[member])) found.shown[word] = await together(members.map((member) => found.by[member]));
        }
        this.tiles.set(id, found);
      } catch (problem) {
        const line = message(problem).includes(name) ? message(problem) : `${name}: ${message(problem)}`;
        this.tiles.set(id, { problem: line });
        if (this.app.active === this) toast(`${line}. It has no parts; other benches may use it.`, true);
      }
    }
    if (fresh.length) this.update();
  }

  people() { return this.app.pictures.filter(({ id }) => this.tiles.get(id)?.parts); }

  update() {
    const doc = this.doc;
    const people = this.people();
    const applied = Object.keys(doc.applied);
    this.blank.hidden = applied.length > 0;
    if (!applied.length) this.canvas.paint(null);
    const seen = this.app.pictures.filter(({ id }) => this.tiles.get(id)?.parts || this.tiles.get(id)?.problem);
    this.photoGroup.hidden = !seen.length;
    const state = JSON.stringify([seen.map(({ id }) => id), doc.applied]);
    if (state !== this.racked) {
      const held = document.activeElement?.dataset?.tile;
      this.racked = state;
      this.photos.replaceChildren(...seen.map((one) => this.whole(one, people.findIndex(({ id }) => id === one.id))));
      for (const [part, rack] of Object.entries(this.racks)) {
        rack.replaceChildren(...people.filter(({ id }) => this.tiles.get(id).shown[part]).map(({ id, name }) => this.tile(part, id, name)));
      }
      this.rackGroups.forEach((one) => { one.hidden = !people.length; });
      if (held) this.left.querySelector(`[data-tile="${CSS.escape(held)}"]`)?.focus();
      this.base.fill([["", "no photo"], ...people.map(({ id, name }) => [id, name])], doc.base ?? "");
    }
    this.choice.set(this.selected);
    this.base.set(doc.base ?? "");
    const on = Boolean(doc.applied[this.selected]);
    this.size.set(doc.scale[this.selected] ?? 1);
    this.across.set(this.moved()[0]);
    this.down.set(this.moved()[1]);
    this.light.set(this.toned()[0]);
    this.warm.set(this.toned()[1]);
    for (const one of [this.size, this.across, this.down, this.light, this.warm]) one.disable(!on);
    this.ask();
    this.canvas.relay();
    if (this.app.pictures.some(({ id }) => !this.tiles.has(id))) this.readTiles();
  }

  /** A photo as a tile that puts on all its parts; one without a face says why it has none. */
  whole(picture, n) {
    const { id, name } = picture;
    const { problem, framed } = this.tiles.get(id);
    if (problem) return this.photo(picture, { class: "refused", "data-tile": `photo:${id}`, title: problem, "aria-label": problem, onclick: () => toast(problem, true) });
    return this.photo(picture, {
      "data-tile": `photo:${id}`, title: `All parts of ${name}`, "aria-label": `${letters[n % 26]}: put on all parts of ${name}`,
      "aria-pressed": String(["eyes", "nose", "mouth"].every((part) => this.doc.applied[part] === id)), onclick: () => this.applyAll(id),
    }, h("img", { src: framed, alt: "" }), h("span", { class: "letter", "aria-hidden": "true" }, letters[n % 26]));
  }

  tile(part, id, name) {
    const tile = h("button", {
      type: "button", class: "tile", "data-tile": `${part}:${id}`, title: `${WORDS[part]} of ${name}`, "aria-label": `${WORDS[part]} of ${name}`,
      "aria-pressed": String(this.doc.applied[part] === id), onclick: () => { if (!tile.dragged) this.apply(part, id); },
    }, h("img", { src: this.tiles.get(id).shown[part], alt: "", draggable: false }));
    const face = this.canvas.element;
    carried(tile, this.tiles.get(id).shown[part], (under) => (face.contains(under) ? face : null), () => this.apply(part, id));
    return tile;
  }

  apply(part, id) {
    this.selected = part;
    this.change((doc) => ({ ...doc, applied: { ...doc.applied, [part]: id } }));
    say(`${WORDS[part]} put on`);
  }

  applyAll(id) {
    const applied = { ...this.doc.applied, eyes: id, nose: id, mouth: id };
    if (applied.jaw) applied.jaw = id;
    this.change({ applied });
  }

  takeOff() {
    const { [this.selected]: gone, ...applied } = this.doc.applied;
    if (gone) this.change({ applied });
  }

  asItWas() {
    const without = (table) => { const { [this.selected]: gone, ...rest } = table; return rest; };
    this.change((doc) => ({ ...doc, shift: without(doc.shift), scale: without(doc.scale), tone: without(doc.tone) }));
  }

  choose(part) {
    this.selected = part;
    this.update();
    say(`${WORDS[part]}${this.doc.applied[part] ? "" : ", not put on"}`);
  }

  set(field, value, gesture) {
    this.change((doc) => ({ ...doc, [field]: { ...doc[field], [this.selected]: Array.isArray(value) ? value.map(rounded) : rounded(value) } }), gesture);
  }

  random() {
    const people = this.people();
    if (people.length < 2) return toast("A mix needs two photos or more");
    const any = () => people[Math.floor(Math.random() * people.length)].id;
    const applied = { ...this.doc.applied, eyes: any(), nose: any(), mouth: any() };
    if (applied.jaw) applied.jaw = any();
    return this.change({ applied, shift: {}, scale: {}, tone: {} });
  }

  compose(doc = this.doc) {
    const conditions = {};
    const options = {};
    const own = [];
    for (const [part, id] of Object.entries(doc.applied)) {
      if (id === doc.base) own.push(part);
      else conditions[part] = id;
    }
    if (own.length) {
      conditions.photo = doc.base;
      options.only = own;
    } else if (doc.base) {
      conditions.photo = doc.base;
      options.only = [];
    }
    const kept = (table, plain) => Object.fromEntries(Object.entries(table).filter(([part, value]) => doc.applied[part] && JSON.stringify(value) !== plain));
    const [shift, scale, tone] = [kept(doc.shift, "[0,0]"), kept(doc.scale, "1"), kept(doc.tone, "[1,0]")];
    if (Object.keys(shift).length) options.shift = shift;
    if (Object.keys(scale).length) options.scale = scale;
    if (Object.keys(tone).length) {
      options.tint = Object.fromEntries(Object.entries(tone).map(([part, [light, warm]]) => [part, [light * (1 + warm), light, light * (1 - warm)].map(rounded)]));
    }
    return { conditions, options };
  }

  async request() {
    return Object.keys(this.doc.applied).length ? { system: "parts", ...this.compose() } : null;
  }

  ask() {
    const { applied } = this.doc;
    const request = this.compose();
    const key = JSON.stringify(request);
    if (!Object.keys(applied).length || key === this.asked) return;
    this.asked = key;
    this.backend.live.ask("parts", { system: "parts", ...request, want: ["picture"] }, [], (answer) => {
      if (!Object.keys(this.doc.applied).length) return;
      this.canvas.paint(answer.pictures.picture.bitmap);
      this.timed(answer);
    }, (line) => { this.asked = null; toast(line, true); });
  }

  // The overlay: where parts lie, in pixels of the framing

  box(part) {
    const id = this.doc.applied[part];
    const found = this.tiles.get(id);
    if (!found?.by) return null;
    const scale = this.doc.scale[part] ?? 1;
    const [right, down] = (this.doc.shift[part] ?? [0, 0]).map((value) => value * found.eye_distance);
    const edges = MEMBERS[part].filter((name) => found.by[name]).map((name) => {
      const { box: [x, y, width, high], anchor, centre } = found.by[name];
      const [left, top] = [anchor[0] + right + scale * (x - centre[0]), anchor[1] + down + scale * (y - centre[1])];
      return [left, top, left + scale * width, top + scale * high];
    });
    if (!edges.length) return null;
    return { size: found.size, unit: found.eye_distance, edges: [0, 1, 2, 3].map((k) => (k < 2 ? Math.min : Math.max)(...edges.map((one) => one[k]))) };
  }

  lay(context, width) {
    const active = this.hovering || this.dragging || document.activeElement === this.canvas.element;
    for (const part of Object.keys(this.doc.applied)) {
      const box = this.box(part);
      if (!box || !active) continue;
      const k = width / box.size;
      const [left, top, right, bottom] = box.edges.map((edge) => edge * k);
      const chosen = part === this.selected;
      context.lineWidth = chosen ? 2 : 1;
      context.strokeStyle = chosen ? "#fff" : "rgb(255 255 255 / 55%)";
      context.shadowColor = "rgb(0 0 0 / 60%)";
      context.shadowBlur = 4;
      context.setLineDash(chosen ? [] : [4, 4]);
      context.beginPath();
      context.roundRect(left, top, right - left, bottom - top, 9);
      context.stroke();
      if (!chosen) continue;
      context.fillStyle = "#fff";
      context.beginPath();
      context.arc(right, bottom, 7, 0, 7);
      context.fill();
    }
    context.shadowBlur = 0;
    context.setLineDash([]);
  }

  hit([x, y]) {
    const found = [];
    for (const part of Object.keys(this.doc.applied)) {
      const box = this.box(part);
      if (!box) continue;
      const [left, top, right, bottom] = box.edges.map((edge) => edge / box.size);
      if (part === this.selected && Math.hypot(x - right, y - bottom) < 0.035) return { part, corner: true };
      if (x >= left && x <= right && y >= top && y <= bottom) found.push([(right - left) * (bottom - top), part]);
    }
    found.sort((a, b) => a[0] - b[0]);
    return found.length ? { part: found[0][1] } : null;
  }

  pointing() {
    const element = this.canvas.element;
    const pointers = new Map();
    element.addEventListener("pointerenter", () => { this.hovering = true; this.canvas.relay(); });
    element.addEventListener("pointerleave", () => { this.hovering = false; this.canvas.relay(); });
    element.addEventListener("focus", () => this.canvas.relay());
    element.addEventListener("blur", () => this.canvas.relay());
    element.addEventListener("pointerdown", (event) => {
      if (this.canvas.comparing || event.target.closest("button")) return;
      pointers.set(event.pointerId, this.canvas.place(event));
      element.setPointerCapture(event.pointerId);
      const place = this.canvas.place(event);
      const gesture = `drag:${performance.now()}`;
      if (pointers.size === 2) {
        const [a, b] = [...pointers.values()];
        this.dragging = { pinch: Math.hypot(a[0] - b[0], a[1] - b[1]), from: this.doc.scale[this.selected] ?? 1, gesture };
        return;
      }
      const found = this.hit(place);
      if (!found) return;
      if (found.part !== this.selected) this.choose(found.part);
      this.dragging = { ...found, place, from: found.corner ? this.doc.scale[found.part] ?? 1 : this.moved(), gesture, box: this.box(found.part) };
    });
    element.addEventListener("pointermove", (event) => {
      const place = this.canvas.place(event);
      if (pointers.has(event.pointerId)) pointers.set(event.pointerId, place);
      const drag = this.dragging;
      if (!drag) {
        const found = this.canvas.comparing ? null : this.hit(place);
        element.style.cursor = found ? (found.corner ? "nwse-resize" : "grab") : "";
        return;
      }
      if (drag.pinch) {
        if (pointers.size < 2) return;
        const [a, b] = [...pointers.values()];
        this.set("scale", limit(drag.from * Math.hypot(a[0] - b[0], a[1] - b[1]) / drag.pinch, 0.6, 1.5), drag.gesture);
      } else if (drag.corner) {
        const [left, top, right, bottom] = drag.box.edges.map((edge) => edge / drag.box.size);
        const middle = [(left + right) / 2, (top + bottom) / 2];
        const ratio = Math.hypot(place[0] - middle[0], place[1] - middle[1]) / Math.hypot(right - middle[0], bottom - middle[1]);
        this.set("scale", limit(drag.from * ratio, 0.6, 1.5), drag.gesture);
      } else {
        const k = drag.box.size / drag.box.unit;
        this.set("shift", drag.from.map((value, n) => limit(value + (place[n] - drag.place[n]) * k, -1.5, 1.5)), drag.gesture);
      }
    });
    const end = (event) => { pointers.delete(event.pointerId); this.dragging = null; this.canvas.relay(); };
    element.addEventListener("pointerup", end);
    element.addEventListener("pointercancel", end);
    element.addEventListener("wheel", (event) => {
      if (!this.doc.applied[this.selected] || this.canvas.comparing) return;
      event.preventDefault();
      this.set("scale", limit((this.doc.scale[this.selected] ?? 1) * Math.exp(-event.deltaY / 900), 0.6, 1.5), "wheel");
    }, { passive: false });
    element.addEventListener("keydown", (event) => this.onCanvas(event));
  }

  onCanvas(event) {
    if (event.target !== this.canvas.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const worn = Object.keys(WORDS).filter((part) => this.doc.applied[part]);
    const order = worn.length ? worn : Object.keys(WORDS);
    const far = event.shiftKey ? 5 * NUDGE : NUDGE;
    const arrows = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] };
    const step = { "[": -1, "]": 1 }[event.key];
    if (step) this.choose(order[(Math.max(order.indexOf(this.selected), step < 0 ? 0 : -1) + step + order.length) % order.length]);
    else if (!this.doc.applied[this.selected]) {
      if (arrows[event.key]) toast(`${WORDS[this.selected]}: not put on, so there is nothing to move`);
      return;
    }
    else if (arrows[event.key]) this.set("shift", this.moved().map((value, n) => limit(value + arrows[event.key][n], -1.5, 1.5)), `keys:${this.selected}`);
    else if (event.key === "+" || event.key === "=") this.set("scale", limit((this.doc.scale[this.selected] ?? 1) * 1.03, 0.6, 1.5), "keys:size");
    else if (event.key === "-") this.set("scale", limit((this.doc.scale[this.selected] ?? 1) / 1.03, 0.6, 1.5), "keys:size");
    else if (event.key === "Delete" || event.key === "Backspace") this.takeOff();
    else return;
    event.preventDefault();
  }

  keyed(event) { if (event.key === "r") this.random(); }

  befores() {
    const found = this.tiles.get(this.doc.base ?? Object.values(this.doc.applied)[0]);
    return found?.framed && new Set(Object.values(this.doc.applied)).size === 1 ? [["photo", h("img", { src: found.framed, alt: "" })]] : [];
  }

  async matrix() {
    const people = this.people();
    if (people.length < 2) return toast("A matrix needs two photos or more");
    const combinations = [];
    for (const eyes of people) for (const nose of people) for (const mouth of people) {
      if (new Set([eyes, nose, mouth]).size > 1) combinations.push({ eyes: eyes.id, nose: nose.id, mouth: mouth.id });
    }
    combinations.sort(() => Math.random() - 0.5);
    const chosen = combinations.slice(0, 24);
    const name = Object.fromEntries(people.map(({ id }, n) => [id, letters[n % 26]]));
    const place = h("div", { class: "matrix" }, h("p", { class: "soft" }, "Mixing…"));
    const box = dialog("Everybody's parts with everybody's", [h("p", { class: "small soft" }, "Choose one to go on with it. Letters are those of the photos."), place], true);
    return this.trying(async () => {
      const results = await this.backend.makeMany("parts", chosen.map((applied) => this.compose({ ...PartsBench.initial, applied })));
      place.replaceChildren(...results.map((result, n) => {
        const applied = chosen[n];
        const words = `eyes ${name[applied.eyes]} · nose ${name[applied.nose]} · mouth ${name[applied.mouth]}`;
        return h("button", { type: "button", title: words, onclick: () => { this.change({ applied, shift: {}, scale: {}, tone: {} }); box.close(); } }, h("img", { src: result.picture, alt: "" }), words);
      }));
    });
  }
}

const limit = (value, least, most) => Math.min(Math.max(value, least), most);

/** Tiles of parts that belong together as one picture. */
async function together(parts) {
  if (parts.length === 1) return parts[0].tile;
  const left = Math.min(...parts.map(({ box }) => box[0]));
  const top = Math.min(...parts.map(({ box }) => box[1]));
  const width = Math.max(...parts.map(({ box }) => box[0] + box[2])) - left;
  const height = Math.max(...parts.map(({ box }) => box[1] + box[3])) - top;
  const canvas = h("canvas", { width, height });
  for (const { box, tile } of parts) {
    const image = new Image();
    image.src = tile;
    await image.decode();
    canvas.getContext("2d").drawImage(image, box[0] - left, box[1] - top);
  }
  return canvas.toDataURL();
}
