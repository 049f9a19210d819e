// Many faces: one photo, and a grid of that person; what is asked of all of them, what single ones hold, and the way to somebody else.
import { Bench } from "../bench.js";
import { names } from "../store.js";
import { button, check, dialog, dropsOn, dropzone, group, h, icon, say, segments, slider, toast } from "../dom.js";

const COUNT = 9;
const degrees = (value) => (value ? `${Math.abs(value)}° ${value > 0 ? "right" : "left"}` : "ahead");
const percent = (value) => `${Math.round(value * 100)} %`;
/** What of the photo can stay: words of the option keep. */
const KEEP = [["pose", "Pose", "the pose stays"], ["expression", "Expression", "the expression stays"], ["rest", "Light, hair, ground", "light, hair and ground stay"]];

export class ManyBench extends Bench {
  static key = "many";
  static title = "Many faces";
  static initial = {
    photo: null, other: null, expression: null, yaw: null, neutral: false, keep: [], blend: 0.5, show: "chance",
    seeds: Array.from({ length: COUNT }, (_, n) => n + 1), held: [], chosen: 0,
  };
  static keys = [["← → ↑ ↓", "another face"], ["H", "hold it, so that it stays"], ["V", "vary the rest"]];

  build() {
    this.shown = new Map();
    this.blank = h("div", { class: "empty" });
    this.grid = h("div", { class: "many", role: "group", "aria-label": "Faces" });
    this.caption = h("p", { class: "caption", role: "status" });
    this.board.append(h("div", { class: "under" }, this.grid, this.caption), this.blank);
    dropsOn(this.board, (files) => this.system() && this.take("photo", files));
    this.arrange();
  }

  /** The system whose one needed condition is a photo, which chance varies and whose person an identity can replace. */
  system() { return this.backend.systems.find(({ conditions }) => conditions.some((one) => one.kind === "photo" && one.needed) && ["identity", "noise"].every((kind) => conditions.some((one) => one.kind === kind))); }

  /** What stands at the sides, for the system that there is. */
  arrange() {
    const system = this.system();
    this.built = system?.name;
    this.middle.querySelector(".actions").hidden = !system;
    this.shown.clear();
    if (!system) {
      this.left.replaceChildren();
      this.right.replaceChildren();
      this.blank.replaceChildren(icon("grid"), h("h2", {}, "Many faces of one person"),
        h("p", {}, "The model for it, facefeat, cannot be opened here. Weights that can are named by likeness studio --model facefeat=runs/x."));
      return;
    }
    this.blank.replaceChildren(icon("grid"), h("h2", {}, "Many faces of one person"), h("p", {}, "Drop a photo, and a grid of that person appears."),
      button("Choose a photo", { icon: "plus", kind: "main" }, () => this.left.querySelector("input").click()));
    const has = (name) => system.options.some((one) => one.name === name);
    this.pickers = [["photo", "The person"], ["other", "Somebody else"], ...(has("expression") ? [["expression", "Their expression"]] : [])].map(([field, title]) => {
      const tiles = h("div", { class: "tiles" });
      return { field, tiles, group: group(title, tiles) };
    });
    this.left.replaceChildren(dropzone("Drop a photo", "of the person", "image/*", (files) => this.take("photo", files), false), ...this.pickers.map((one) => one.group));
    const set = (name) => (value, gesture) => this.change({ [name]: value }, gesture);
    this.yaw = slider("Turn the head", { min: -60, max: 60, step: 1, value: 0, show: (value) => (this.doc.yaw === null ? "by chance" : degrees(value)) }, set("yaw"));
    this.anyYaw = button("By chance", { icon: "dice", kind: "little", title: "Turn the head by chance" }, () => this.change({ yaw: null }));
    this.neutral = check("A calm face", false, (on) => this.change({ neutral: on, expression: on ? null : this.doc.expression }));
    this.keeps = KEEP.map(([word, text]) => [word, check(text, false, (on) => this.keepOf(word, on))]);
    this.blend = slider("How much of somebody else", { min: 0, max: 1, step: 0.02, value: 0.5, show: percent }, set("blend"));
    this.show = segments("The grid shows", [["chance", "Variations"], ["way", "The way there"]], "chance", (show) => this.change({ show }));
    this.blendGroup = group("Blend", this.show, this.blend);
    this.holdButton = button("Hold", { icon: "pin", kind: "little", title: "Hold the chosen face: it stays as it is (H)" }, () => this.hold(this.doc.chosen));
    this.varyButton = button("Vary the rest", { icon: "dice", kind: "little", title: "New faces for those that are not held (V)" }, () => this.vary());
    this.right.replaceChildren(
      group("Grid", h("div", { class: "row even" }, this.varyButton, this.holdButton)),
      ...(has("yaw") ? [group("Pose", this.yaw, this.anyYaw)] : []),
      ...(has("neutral") ? [group("Expression", this.neutral)] : []),
      ...(has("keep") ? [group("Stays as in the photo", this.keeps.map(([, one]) => one))] : []),
      ...(has("blend") ? [this.blendGroup] : []));
  }

  fileName() { return "face-many"; }

  async entered() {
    try { await this.backend.refresh?.(); } catch { return; }
    if (this.system()?.name !== this.built) { this.arrange(); this.update(); }
  }

  async take(field, files) {
    const [picture] = await this.app.add(files.slice(0, 1));
    if (picture) this.give(field, picture.id);
  }

  /** Held faces that were made of it are let go. */
  static without(doc, id) {
    const rest = { ...doc, held: doc.held.map((one) => (names(one, id) ? null : one)) };
    return super.without(rest, id);
  }

  /** Take a picture for a field, if there is a face in it; once more lets it go, but for the person. */
  async give(field, id) {
    const value = this.doc[field] === id && field !== "photo" ? null : id;
    if (value && !(await this.trying(() => this.backend.landmarks(id, "")))) return;
    const calm = field === "expression" && value ? { neutral: false, keep: this.doc.keep.filter((word) => word !== "expression") } : {};
    this.change({ [field]: value, ...calm });
  }

  keepOf(word, on) {
    const keep = KEEP.map(([one]) => one).filter((one) => (one === word ? on : this.doc.keep.includes(one)));
    this.change({ keep, ...(word === "expression" && on ? { expression: null, neutral: false } : {}), ...(word === "pose" && on ? { yaw: null } : {}) });
  }

  onTheWay() { return this.doc.show === "way" && Boolean(this.doc.other); }

  compose(n) {
    const { doc } = this;
    if (doc.held[n] && !this.onTheWay()) return doc.held[n];
    const { conditions: known } = this.system();
    const named = (kind) => known.find((one) => one.kind === kind).name;
    const options = { ...(doc.yaw === null ? {} : { yaw: doc.yaw }), ...(doc.neutral ? { neutral: true } : {}), ...(doc.keep.length ? { keep: doc.keep } : {}) };
    if (doc.expression) options.expression = doc.expression;
    if (doc.other) options.blend = this.onTheWay() ? n / (COUNT - 1) : doc.blend;
    return {
      conditions: { [named("photo")]: doc.photo, ...(doc.other ? { [named("identity")]: doc.other } : {}) },
      options, seed: doc.seeds[this.onTheWay() ? doc.chosen : n],
    };
  }

  async request() { return this.system() && this.doc.photo ? { system: this.system().name, ...this.compose(this.doc.chosen) } : null; }

  vary() {
    const seeds = this.doc.seeds.map((seed, n) => (this.doc.held[n] ? seed : Math.floor(Math.random() * 2 ** 31)));
    this.change({ seeds });
    say("The rest is varied");
  }

  hold(n) {
    if (this.onTheWay()) return toast("Hold faces among the variations");
    const held = Array.from({ length: COUNT }, (_, k) => this.doc.held[k] ?? null);
    held[n] = held[n] ? null : this.compose(n);
    this.change({ held });
    return say(held[n] ? "Held" : "Let go");
  }

  choose(n) {
    this.settle({ chosen: n });
    this.grid.children[n]?.focus();
  }

  /** The photo and the chosen face, side by side. */
  toggleCompare() {
    return this.trying(async () => {
      const result = await this.result();
      const side = (src, words) => h("figure", {}, h("img", { src, alt: words }), h("figcaption", { class: "caption" }, words));
      dialog("Compare", h("div", { class: "pair" }, side(await this.backend.resultAddress(result.id, { intermediate: "photo", format: "png" }), "the photo"), side(result.picture, "made")));
    });
  }

  update() {
    const system = this.system();
    if (!system || this.built !== system.name) return;
    const { doc } = this;
    for (const { field, tiles, group: place } of this.pickers) {
      place.hidden = !this.app.pictures.length || (field !== "photo" && !doc.photo);
      tiles.replaceChildren(...this.app.pictures.map((one) => this.photo(one, {
        "aria-label": `${place.querySelector("h2").textContent}: ${one.name}`, "aria-pressed": String(doc[field] === one.id), onclick: () => this.give(field, one.id),
      })));
    }
    this.yaw.set(doc.yaw ?? 0);
    this.yaw.disable(doc.keep.includes("pose"));
    this.anyYaw.hidden = doc.yaw === null;
    this.neutral.set(doc.neutral);
    for (const [word, one] of this.keeps) one.set(doc.keep.includes(word));
    this.blend.set(doc.blend);
    this.blend.hidden = this.onTheWay();
    this.show.set(doc.show);
    this.blendGroup.hidden = !doc.other;
    const ready = Boolean(doc.photo);
    this.blank.hidden = ready;
    this.grid.hidden = this.caption.hidden = !ready;
    this.varyButton.disabled = this.holdButton.disabled = !ready;
    if (ready) this.lay(system);
  }

  lay(system) {
    const { doc } = this;
    if (!this.grid.children.length) {
      this.grid.append(...doc.seeds.map((_, n) => h("button", {
        type: "button", class: "tile photo", onclick: () => this.choose(n), ondblclick: () => this.hold(n), onkeydown: (event) => this.onTile(event, n),
      }, h("canvas", { width: system.size, height: system.size, "aria-hidden": "true" }))));
    }
    [...this.grid.children].forEach((tile, n) => {
      const held = doc.held[n] && !this.onTheWay();
      tile.setAttribute("aria-label", `Face ${n + 1}${held ? ", held" : ""}`);
      tile.setAttribute("aria-current", String(n === doc.chosen));
      tile.querySelector(".letter")?.remove();
      if (held) tile.append(h("span", { class: "letter", "aria-hidden": "true" }, "held"));
      const request = this.compose(n);
      const key = JSON.stringify(request);
      if (this.shown.get(n) === key) return;
      this.shown.set(n, key);
      this.backend.live.ask(`many-${n}`, { system: system.name, ...request, want: ["picture"] }, [], (answer) => {
        tile.querySelector("canvas").getContext("2d").drawImage(answer.pictures.picture.bitmap, 0, 0, system.size, system.size);
        tile.dataset.notes = answer.notes.join("; ");
        this.tell();
        this.timed(answer);
      }, (line) => { this.shown.delete(n); if (n === 0) toast(line, true); });
    });
    this.holdButton.setAttribute("aria-pressed", String(Boolean(doc.held[doc.chosen])));
    this.tell();
  }

  /** What there is to say of the chosen face. */
  tell() {
    const words = this.grid.children[this.doc.chosen]?.dataset.notes ?? "";
    if (this.caption.textContent !== words) this.caption.textContent = words;
  }

  onTile(event, n) {
    const across = getComputedStyle(this.grid).gridTemplateColumns.split(" ").length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
    if (step) { event.preventDefault(); this.choose((n + step + COUNT) % COUNT); }
    else if (event.key === "h") this.hold(n);
  }

  keyed(event) { if (event.key === "v" && this.system()) this.vary(); }
}
