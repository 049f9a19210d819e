// Many faces: one photo, and a grid of that person. It shows itself as whatever system takes an identity says it works.
import { Bench } from "../bench.js";
import { button, check, dropsOn, dropzone, group, h, icon, say, slider, toast } from "../dom.js";

const COUNT = 9;
const PICTURES = ["photo", "identity"];

export class ManyBench extends Bench {
  static key = "many";
  static title = "Many faces";
  static initial = { given: {}, values: {}, seeds: Array.from({ length: COUNT }, (_, n) => n + 1), held: [], chosen: 0 };
  static keys = [["← → ↑ ↓", "another face"], ["H", "hold it, so that it stays"], ["V", "vary the rest"]];

  build() {
    this.shown = new Map();
    this.blank = h("div", { class: "empty" });
    this.grid = h("div", { class: "many", role: "group", "aria-label": "Faces" });
    this.board.append(this.grid, this.blank);
    this.made_();
  }

  system() { return this.backend.systems.find(({ system, conditions }) => system === "facefeat" || conditions.some(({ kind }) => kind === "identity")); }

  made_() {
    const system = this.system();
    this.built = system?.name;
    if (!system) {
      this.middle.querySelector(".actions").hidden = true;
      this.grid.hidden = true;
      this.blank.replaceChildren(icon("grid"), h("h2", {}, "Many faces of one person"),
        h("p", {}, "From one photo, a grid of the same person in other poses and expressions. The model behind it, facefeat, is not in this version of likeness; the bench opens by itself in the one that brings it."));
      return;
    }
    this.middle.querySelector(".actions").hidden = false;
    this.grid.hidden = false;
    this.blank.replaceChildren(icon("grid"), h("h2", {}, "Many faces of one person"), h("p", {}, "Drop a photo, and a grid of that person appears."),
      button("Choose a photo", { icon: "plus", kind: "main" }, () => this.left.querySelector("input").click()));
    dropsOn(this.board, (files) => this.take(files));
    const asked = system.conditions.filter(({ kind }) => PICTURES.includes(kind));
    this.pickers = asked.map((condition) => {
      const tiles = h("div", { class: "tiles" });
      return { condition, tiles, group: group(condition.name.replaceAll("_", " "), h("p", { class: "small soft" }, condition.words), tiles) };
    });
    this.left.replaceChildren(dropzone("Drop a photo", "of the person", "image/*", (files) => this.take(files)), ...this.pickers.map((one) => one.group));
    const simple = system.options.filter((option) => typeof option.default === "number" && option.name !== "face");
    const checks = system.options.filter((option) => typeof option.default === "boolean");
    const range = (option) => option.range ?? (Math.abs(option.default) > 1 ? [0, 2 * option.default] : [-1, 1]);
    this.sliders = simple.map((option) => {
      const [min, max] = range(option);
      const made = slider(option.name.replaceAll("_", " "), { min, max, step: (max - min) / 100, value: option.default, show: (value) => value.toFixed(2), neutral: option.default },
        (value, gesture) => this.change((doc) => ({ ...doc, values: { ...doc.values, [option.name]: value } }), gesture));
      made.title = option.words;
      return [option, made];
    });
    this.ticks = checks.map((option) => [option, check(option.name.replaceAll("_", " "), option.default, (on) => this.change((doc) => ({ ...doc, values: { ...doc.values, [option.name]: on } })))]);
    this.right.replaceChildren(
      group("Grid", h("div", { class: "row even" },
        button("Vary the rest", { icon: "dice", kind: "little", title: "New faces for those that are not held (V)" }, () => this.vary()),
        button("Hold", { icon: "pin", kind: "little", title: "Hold the chosen face (H)" }, () => this.hold(this.doc.chosen)))),
      ...(this.sliders.length + this.ticks.length ? [group("Sliders", ...this.sliders.map(([, one]) => one), ...this.ticks.map(([, one]) => one))] : []));
  }

  get stage() { return null; }
  fileName() { return "face-many"; }
  toggleCompare() { toast("On this bench the photo stands beside the grid"); }

  async entered() {
    try { await this.backend.refresh?.(); } catch { return; }
    if (this.system()?.name !== this.built) { this.made_(); this.update(); }
  }

  async take(files) {
    const [picture] = await this.app.add(files.slice(0, 1));
    if (picture) this.give(this.first(), picture.id);
  }

  first() { return this.pickers.find(({ condition }) => condition.needed)?.condition.name ?? this.pickers[0].condition.name; }

  give(name, id) { this.change((doc) => ({ ...doc, given: { ...doc.given, [name]: doc.given[name] === id && name !== this.first() ? undefined : id } })); }

  compose(n) {
    const system = this.system();
    const conditions = Object.fromEntries(Object.entries(this.doc.given).filter(([name, id]) => id && system.conditions.some((one) => one.name === name)));
    const options = Object.fromEntries(Object.entries(this.doc.values).filter(([name]) => system.options.some((one) => one.name === name)));
    const held = this.doc.held[n];
    return { conditions, options: held ?? options, seed: this.doc.seeds[n] };
  }

  async request() {
    return this.system() && this.doc.given[this.first()] ? { system: this.system().name, ...this.compose(this.doc.chosen) } : null;
  }

  vary() {
    const seeds = this.doc.seeds.map((seed, n) => (this.doc.held[n] ? seed : Math.floor(Math.random() * 2 ** 31)));
    this.change({ seeds });
    say("The rest is varied");
  }

  hold(n) {
    const held = [...this.doc.held];
    held[n] = held[n] ? null : this.compose(n).options;
    this.change({ held });
    say(held[n] ? "Held" : "Let go");
  }

  choose(n) {
    this.settle({ chosen: n });
    this.grid.children[n]?.focus();
  }

  update() {
    const system = this.system();
    if (!system || this.built !== system.name) return;
    const doc = this.doc;
    for (const { condition, tiles, group: place } of this.pickers) {
      place.hidden = !this.app.pictures.length;
      tiles.replaceChildren(...this.app.pictures.map(({ id, name }) => h("button", {
        type: "button", class: "tile photo", title: name, "aria-label": `${condition.name}: ${name}`, "aria-pressed": String(doc.given[condition.name] === id), onclick: () => this.give(condition.name, id),
      }, h("img", { src: this.backend.pictureAddress(id, 160), alt: "" }))));
    }
    for (const [option, one] of [...this.sliders, ...this.ticks]) one.set(doc.values[option.name] ?? option.default);
    const ready = Boolean(doc.given[this.first()]);
    this.blank.hidden = ready;
    this.grid.hidden = !ready;
    if (!ready) return;
    if (!this.grid.children.length) {
      this.grid.append(...doc.seeds.map((_, n) => h("button", {
        type: "button", class: "tile photo", onclick: () => this.choose(n), ondblclick: () => this.hold(n), onkeydown: (event) => this.onTile(event, n),
      }, h("canvas", { width: system.size, height: system.size, "aria-hidden": "true" }))));
    }
    [...this.grid.children].forEach((tile, n) => {
      tile.setAttribute("aria-label", `Face ${n + 1}${doc.held[n] ? ", held" : ""}`);
      tile.setAttribute("aria-current", String(n === doc.chosen));
      tile.querySelector(".letter")?.remove();
      if (doc.held[n]) tile.append(h("span", { class: "letter", "aria-hidden": "true" }, "held"));
      const request = this.compose(n);
      const key = JSON.stringify(request);
      if (this.shown.get(n) === key) return;
      this.shown.set(n, key);
      this.backend.live.ask(`many-${n}`, { system: system.name, ...request, want: ["picture"] }, [], (answer) => {
        tile.querySelector("canvas").getContext("2d").drawImage(answer.pictures.picture.bitmap, 0, 0, system.size, system.size);
        this.timed(answer);
      }, (line) => { this.shown.delete(n); if (n === 0) toast(line, true); });
    });
  }

  onTile(event, n) {
    const across = Math.max(1, Math.round(Math.sqrt(COUNT)));
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
    if (step) { event.preventDefault(); this.choose((n + step + COUNT) % COUNT); }
    else if (event.key === "h") this.hold(n);
  }

  keyed(event) { if (event.key === "v" && this.system()) this.vary(); }
}

