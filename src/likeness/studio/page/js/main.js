// The shell: benches, undo, the shelf, the session, light and dark.
import { ask, button, dialog, download, h, icon, menu, say, toast } from "./dom.js";
import { message } from "./bench.js";
import { Store, names } from "./store.js";
import { PartsBench } from "./benches/parts.js";
import { LandmarksBench } from "./benches/landmarks.js";
import { SketchBench } from "./benches/sketch.js";
import { PortraitBench } from "./benches/portrait.js";
import { ManyBench } from "./benches/many.js";
import { MakeBench } from "./benches/make.js";

const BENCHES = [PartsBench, LandmarksBench, SketchBench, PortraitBench, ManyBench, MakeBench];
const SHELF = 60;

class App {
  constructor(backend) {
    this.backend = backend;
    this.pictures = [];
    this.store = new Store({
      shelf: { kept: [] },
      ...Object.fromEntries(BENCHES.map((kind) => [kind.key, kind.initial])),
    });
    this.kinds = BENCHES.filter((kind) => backend.kind === "server" || kind.local);
    this.benches = {};
  }

  async start() {
    this.theme(localStorage.getItem("likeness-theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
    await this.restore();
    this.backend.restored = (lost) => this.restored(lost);
    this.shell();
    this.store.addEventListener("change", ({ detail }) => this.changed(detail));
    addEventListener("keydown", (event) => this.key(event));
    addEventListener("hashchange", () => this.show(location.hash.slice(1)));
    for (const type of ["dragover", "drop"]) addEventListener(type, (event) => { if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); });
    this.backend.live.addEventListener("close", () => { this.offline.hidden = false; });
    this.backend.live.addEventListener("open", () => { this.offline.hidden = true; });
    this.show(location.hash.slice(1) || this.store.get("shelf").bench || this.kinds[0].key);
    document.getElementById("app").removeAttribute("aria-busy");
  }

  async restore() {
    try {
      const [state, pictures] = await Promise.all([this.backend.state(), this.backend.pictures()]);
      this.pictures = pictures;
      if (state) this.store.load(state.docs, state);
    } catch (problem) {
      toast(`the last session could not be read: ${message(problem)}`, true);
    }
  }

  /** The server had forgotten the session, and has its pictures again but for `lost` ones; what it had made is gone there. */
  restored(lost) {
    Object.values(this.benches).forEach((bench) => bench.restored());
    if (lost) toast(`${lost} ${lost === 1 ? "picture" : "pictures"} of this session could not be sent to the studio again`, true);
  }

  shell() {
    const server = this.backend.kind === "server";
    this.tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Benches" }, this.kinds.map((kind, n) => h("button", {
      type: "button", role: "tab", id: `tab-${kind.key}`, "aria-controls": "bench", title: `Alt+${n + 1}`, onclick: () => { location.hash = kind.key; },
      onkeydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = this.kinds[(n + step + this.kinds.length) % this.kinds.length];
        location.hash = next.key;
        document.getElementById(`tab-${next.key}`).focus();
      },
    }, kind.title)));
    this.undoButton = button("", { icon: "undo", kind: "quiet", title: "Undo (Ctrl+Z)" }, () => this.undo());
    this.redoButton = button("", { icon: "redo", kind: "quiet", title: "Redo (Ctrl+Shift+Z)" }, () => this.redo());
    this.themeButton = button("", { icon: "moon", kind: "quiet", title: "Dark" }, () => this.theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
    this.opener = h("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: () => { this.openSession(this.opener.files[0]); this.opener.value = ""; } });
    this.offline = h("span", { class: "offline", role: "status", hidden: true }, "not connected; trying again");
    const tools = h("div", { class: "tools" }, this.offline, this.undoButton, this.redoButton, this.themeButton,
      button("", { icon: "keys", kind: "quiet", title: "Keys (?)" }, () => this.help()),
      menu("", "more", () => [
        ["Save the session as a file", "save", () => this.saveSession()],
        ["Open a session", "open", () => this.opener.click()],
        null,
        ["Start anew", "bin", () => this.anew()],
      ], { title: "Session", kind: "quiet" }), this.opener);
    this.place = h("main", { class: "bench", id: "bench", role: "tabpanel", tabindex: "-1" });
    this.shelf = h("section", { class: "shelf", "aria-label": "Shelf" });
    document.getElementById("app").replaceChildren(h("div", { class: "shell" },
      h("header", { class: "bar" },
        h("h1", { class: "brand" }, h("img", { src: "icon.svg", alt: "" }), "likeness", h("span", {}, server ? "studio" : "in your browser")), this.tabs, tools),
      this.place));
    this.theme(document.documentElement.dataset.theme);
    this.layShelf();
    if (this.backend.note) this.tabs.after(h("span", { class: "soft small" }, this.backend.note()));
  }

  show(key) {
    const kind = this.kinds.find((one) => one.key === key) ?? this.kinds[0];
    if (this.active?.key === kind.key) return;
    this.active?.left_();
    this.active?.endCompare();
    const bench = (this.benches[kind.key] ??= new kind(this));
    this.active = bench;
    bench.middle.append(this.shelf);
    this.place.replaceChildren(bench.left, bench.middle, bench.right);
    this.place.setAttribute("aria-labelledby", `tab-${kind.key}`);
    [...this.tabs.children].forEach((tab) => {
      const on = tab.id === `tab-${kind.key}`;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
    });
    if (location.hash.slice(1) !== kind.key) history.replaceState(null, "", `#${kind.key}`);
    document.title = `${kind.title} · likeness studio`;
    this.store.settle("shelf", { bench: kind.key });
    bench.layout();
    bench.update();
    bench.entered();
    this.steps();
  }

  changed(bench) {
    if (bench === "shelf") this.layShelf();
    if (this.active?.key === bench) {
      this.active.endCompare();
      this.active.update();
    }
    this.steps();
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.backend.keepState(this.state(), this.store.history).catch((problem) => toast(`the session is not being kept: ${message(problem)}`, true)), 900);
  }

  state() { return { docs: this.store.docs }; }

  steps() {
    const key = this.active?.key;
    this.undoButton.disabled = !this.store.canUndo(key);
    this.redoButton.disabled = !this.store.canRedo(key);
  }

  undo() { this.store.undo(this.active.key); say("Undone"); }

  redo() { this.store.redo(this.active.key); say("Done again"); }

  theme(name) {
    document.documentElement.dataset.theme = name;
    try { localStorage.setItem("likeness-theme", name); } catch { /* not kept */ }
    if (!this.themeButton) return;
    const word = name === "dark" ? "Light" : "Dark";
    this.themeButton.replaceChildren(icon(name === "dark" ? "sun" : "moon"));
    this.themeButton.setAttribute("aria-label", word);
    this.themeButton.title = word;
    this.active?.stage?.relay();
  }

  key(event) {
    const typing = event.target.closest("input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select");
    const command = event.ctrlKey || event.metaKey;
    if (command && !event.altKey && event.key.toLowerCase() === "z" && !typing) {
      event.preventDefault();
      return event.shiftKey ? this.redo() : this.undo();
    }
    if (command && event.key.toLowerCase() === "y" && !typing) { event.preventDefault(); return this.redo(); }
    if (command && event.key.toLowerCase() === "s") { event.preventDefault(); return this.active.save("png", {}, ""); }
    if (event.altKey && /^[1-6]$/.test(event.key) && this.kinds[event.key - 1]) {
      event.preventDefault();
      location.hash = this.kinds[event.key - 1].key;
      return undefined;
    }
    if (typing || command || event.altKey || document.querySelector("dialog[open]")) return undefined;
    if (event.key === "?") return this.help();
    if (event.key === "k") return this.active.keep();
    if (event.key === "c") return this.active.toggleCompare();
    if (event.key === "Escape") return this.active.endCompare();
    return this.active.keyed?.(event);
  }

  help() {
    const list = (rows) => h("dl", { class: "keys" }, rows.map(([keys, what]) => [h("dt", {}, keys.split(" ").map((one) => [h("kbd", {}, one), " "])), h("dd", {}, what)]));
    dialog("Keys", [
      h("h3", {}, "Everywhere"), list([
        ["Ctrl+Z", "undo"], ["Ctrl+Shift+Z", "redo"], ["Ctrl+S", "save this face"], ["K", "keep it on the shelf"],
        ["C", "compare with what it was made from"], ["Delete", "on a photo: remove it from the session"], ["Alt+1…6", "another bench"], ["?", "these keys"],
      ]),
      h("h3", {}, `${this.active.constructor.title}, on the canvas`), list(this.active.constructor.keys),
    ]);
  }

  // Pictures

  /** Files of the user's to pictures of the session; those that cannot be read are told of one by one. */
  async add(files) {
    const added = [];
    for (const file of files) {
      try {
        const picture = await this.backend.addPicture(file);
        for (const warning of picture.warnings ?? []) toast(`${picture.name}: ${warning}`);
        if (!this.pictures.some((one) => one.id === picture.id)) this.pictures.push(picture);
        added.push(picture);
      } catch (problem) {
        const line = message(problem);
        toast(line.includes(file.name) ? line : `${file.name}: ${line}`, true);
      }
    }
    if (added.length) say(`${added.length} ${added.length === 1 ? "picture" : "pictures"} added`);
    return added;
  }

  /** Remove a picture from the session, if the user says so. */
  remove(id) {
    const picture = this.pictures.find((one) => one.id === id);
    if (!picture) return;
    const where = [...this.kinds.filter(({ key }) => names(this.store.get(key), id)).map(({ title }) => title), ...(names(this.store.get("shelf"), id) ? ["the shelf"] : [])];
    ask(`Remove ${picture.name}?`, `It is deleted from the session${where.length ? `, and taken out of ${where.join(", ")}` : ""}. Undo does not bring it back.`, [
      ["Remove it", { icon: "bin", kind: "main" }, () => this.removed(picture)],
    ]);
  }

  async removed({ id, name }) {
    const tiles = [...this.place.querySelectorAll("[data-photo]")].map((one) => one.dataset.photo);
    try { await this.backend.dropPicture(id); } catch (problem) { return toast(message(problem), true); }
    this.pictures = this.pictures.filter((one) => one.id !== id);
    const kinds = Object.fromEntries(BENCHES.map((kind) => [kind.key, kind]));
    const rest = (bench, doc) => (bench === "shelf" ? { ...doc, kept: doc.kept.map((item) => ({ ...item, doc: kinds[item.bench].without(item.doc, id) })) } : kinds[bench].without(doc, id));
    this.store.rewrite(rest);
    this.active.update();
    const next = tiles[tiles.indexOf(id) + 1] ?? tiles[tiles.indexOf(id) - 1];
    (this.place.querySelector(`[data-photo="${CSS.escape(next ?? "")}"]`) ?? this.place.querySelector(".dropzone"))?.focus();
    return say(`${name} removed`);
  }

  async samples() {
    return this.add(await this.backend.sampleFiles());
  }

  // The shelf

  keep(item) {
    const kept = [item, ...this.store.get("shelf").kept].slice(0, SHELF);
    this.store.settle("shelf", { kept });
  }

  layShelf() {
    const { kept } = this.store.get("shelf");
    this.shelf.replaceChildren(h("h2", {}, "Shelf"), ...(kept.length ? kept.map((item, n) => h("div", { class: "kept" },
      h("button", { type: "button", title: `Take up again: ${item.title}`, "aria-label": `Take up again: ${item.title}, ${n + 1}`, onclick: () => this.takeUp(item) }, h("img", { src: item.thumb, alt: "" })),
      h("button", { type: "button", class: "drop", "aria-label": `Take ${item.title}, ${n + 1}, off the shelf`, onclick: () => this.store.settle("shelf", { kept: kept.filter((_, at) => at !== n) }) }, icon("close")),
    )) : [h("p", {}, "Faces that you keep stand here, and can be taken up again.")]));
  }

  takeUp(item) {
    location.hash = item.bench;
    this.show(item.bench);
    this.store.change(item.bench, item.doc);
    say("Taken up again");
  }

  // The session

  async saveSession() {
    try {
      await this.backend.keepState(this.state(), this.store.history);
      const file = await this.backend.sessionFile();
      const address = URL.createObjectURL(file);
      download(address, "session.likeness.json");
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
      return true;
    } catch (problem) {
      toast(message(problem), true);
      return false;
    }
  }

  /** Whether there is anything that a user would miss. */
  get empty() {
    return !this.pictures.length && !this.store.get("shelf").kept.length && !Object.keys(this.store.docs).some((bench) => this.store.canUndo(bench));
  }

  openSession(file) {
    if (this.empty) return this.open(file);
    return ask("Open this session?", "It takes the place of what is here: the photos, the shelf and what is on the benches. Undo does not bring them back.", [
      ["Save this one and open", { icon: "save", kind: "main" }, async () => { if (await this.saveSession()) await this.open(file); }],
      ["Open without saving", { icon: "open" }, () => this.open(file)],
    ]);
  }

  async open(file) {
    try {
      const { state, pictures } = await this.backend.openSession(file);
      this.pictures = pictures;
      Object.values(this.benches).forEach((bench) => bench.forget?.());
      this.store.load(state?.docs);
      toast("The session is open");
    } catch (problem) { toast(message(problem), true); }
  }

  anew() {
    ask("Start anew?", "All photos, the shelf and what is on the benches are deleted, and undo does not bring them back. Trainings stay.", [
      ["Save and start anew", { icon: "save", kind: "main" }, async () => { if (await this.saveSession()) await this.clear(); }],
      ["Delete without saving", { icon: "bin" }, () => this.clear()],
    ]);
  }

  async clear() {
    try {
      await this.backend.clear();
      this.pictures = [];
      Object.values(this.benches).forEach((bench) => bench.forget?.());
      this.store.load({});
      toast("All pictures of this session are deleted");
    } catch (problem) { toast(message(problem), true); }
  }
}

async function begin() {
  const local = document.documentElement.dataset.backend === "local"; // as likeness studio --static writes it
  const { Server } = await import(local ? "./local.js" : "./server.js");
  const backend = await new Server().open();
  const app = new App(backend);
  window.studio = app; // for those who want to look
  await app.start();
}

begin().catch((problem) => {
  document.getElementById("app").replaceChildren(h("div", { class: "loading", role: "alert" },
    h("p", {}, "The studio could not be opened."), h("p", { class: "soft" }, message(problem)),
    button("Try again", {}, () => location.reload())));
});
