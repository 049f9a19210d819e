// What all benches have: three columns, the actions below the canvas, and the face as it is now.
import { button, copy, dialog, download, h, menu, say, toast } from "./dom.js";
import { without } from "./store.js";

export const message = (problem) => problem.message ?? String(problem);

export class Bench {
  static key = "";
  static title = "";
  /** What the keys do on the canvas: [keys, what]. */
  static keys = [];

  constructor(app) {
    this.app = app;
    this.made = new Map(); // request as JSON → result
    this.left = h("aside", { class: "side left", "aria-label": "What you have" });
    this.right = h("aside", { class: "side right", "aria-label": "How it is made" });
    this.board = h("div", { class: "board" });
    this.ms = h("span", { class: "ms", title: "how long the last face took, from asking to painting" });
    this.middle = h("section", { class: "middle", "aria-label": this.constructor.title }, this.board, this.actions());
    this.describe = `${this.key}-keys`;
    this.middle.append(h("p", { id: this.describe, class: "unseen" }, this.constructor.keys.map(([keys, what]) => `${keys}: ${what}. `).join("")));
    this.build();
    new ResizeObserver(() => this.layout()).observe(this.board);
  }

  get key() { return this.constructor.key; }
  get backend() { return this.app.backend; }
  get doc() { return this.app.store.get(this.key); }
  change(fields, gesture) { this.app.store.change(this.key, fields, gesture); }
  settle(fields) { this.app.store.settle(this.key, fields); }

  /** A document of this bench without a picture that has been removed from the session. */
  static without(doc, id) { return { ...this.initial, ...without(doc, id) }; }

  /** A picture of the session as a tile. On the server's page its cross, or Delete, removes it from the session. */
  photo({ id, name }, given = {}, ...content) {
    const server = this.backend.kind === "server";
    const remove = () => this.app.remove(id);
    const tile = h("button", {
      type: "button", title: name, "data-photo": id, "aria-keyshortcuts": server ? "Delete" : undefined,
      onkeydown: (event) => { if (server && ["Delete", "Backspace"].includes(event.key)) { event.preventDefault(); remove(); } },
      ...given, class: `tile photo ${given.class ?? ""}`.trim(),
    }, content.length ? content : h("img", { src: this.backend.pictureAddress(id, 160), alt: "", loading: "lazy", draggable: false }));
    const cross = server && button("", { icon: "close", kind: "drop", title: `Remove ${name} from the session`, tabindex: "-1" }, remove);
    return h("div", { class: "held" }, tile, cross);
  }

  // What a bench brings
  build() {}
  layout() {}
  update() {}
  entered() {}
  left_() {}
  /** The server had forgotten the session: nothing that it made is there any more. */
  restored() { this.made.clear(); }
  /** {system, conditions, options, seed}, or null while there is nothing to make. May need uploads. */
  async request() { return null; }
  /** The stage on which results are compared. */
  get stage() { return null; }
  /** [name, element] of things the face can be compared with, beside the result's intermediates. */
  befores() { return []; }
  /** What is taken up again from the shelf. */
  keptDoc() { return this.doc; }
  fileName() { return `face-${this.key}`; }

  actions() {
    this.keepButton = button("Keep", { icon: "keep", title: "Keep this face on the shelf below (K)" }, () => this.keep());
    this.compareButton = button("Compare", { icon: "compare", title: "Compare with what it was made from (C)", "aria-pressed": "false" }, () => this.toggleCompare());
    this.codeButton = button("Make it again", { icon: "code", title: "The command and the lines of Python that make this face again" }, () => this.again());
    this.saveButton = menu("Save", "save", () => this.saves(), { up: true, kind: "main", title: "Save this face as a file" });
    return h("div", { class: "actions", role: "toolbar", "aria-label": "This face" }, this.keepButton, this.compareButton, this.codeButton, this.saveButton, this.ms);
  }

  saves() {
    const held = (format, query, suffix = "") => () => this.save(format, query, suffix);
    const list = [
      ["As PNG", "photo", held("png", {})],
    ];
    if (this.backend.kind !== "server") return list;
    list.push(
      ["As JPEG", "photo", held("jpg", {})],
      ["As WebP", "photo", held("webp", {})],
    );
    list.push(["Put back into the photo", "face", held("png", { paste: "true" }, "-in-photo"), !this.pasteable()]);
    list.push(null, ["Before and after, one picture", "compare", () => this.savePart("sheet", "-sheet.png")]);
    list.push(["All it needs, as a zip", "file", () => this.savePart("bundle", ".zip")]);
    return list;
  }

  pasteable() { return false; }

  /** The result of what is on the bench now; made once for the same request. */
  async result() {
    await this.backend.putBack?.();
    const request = await this.request();
    if (!request) throw new Error("there is no face yet");
    const key = JSON.stringify(request);
    if (!this.made.has(key)) {
      const { system, ...rest } = request;
      const waiting = this.backend.make(system, rest);
      this.made.set(key, waiting);
      waiting.catch(() => this.made.delete(key));
      if (this.made.size > 100) this.made.delete(this.made.keys().next().value);
    }
    return this.made.get(key);
  }

  async trying(work) {
    try {
      return await work();
    } catch (problem) {
      toast(message(problem), true);
      return undefined;
    }
  }

  keep() {
    return this.trying(async () => {
      const doc = this.keptDoc();
      const result = await this.result();
      const thumb = await thumbnail(result.picture);
      this.app.keep({ bench: this.key, title: this.fileName(), thumb, doc });
      say("Kept on the shelf");
    });
  }

  save(format, query, suffix) {
    return this.trying(async () => {
      const result = await this.result();
      const name = `${this.fileName()}${suffix}`;
      download(await this.backend.resultAddress(result.id, { format, download: name, ...query }), `${name}.${format}`);
      toast(`Saved ${name}.${format}`);
    });
  }

  savePart(part, suffix) {
    return this.trying(async () => {
      const result = await this.result();
      download(this.backend.resultPart(result.id, part), `${this.fileName()}${suffix}`);
    });
  }

  again() {
    return this.trying(async () => {
      const result = await this.result();
      const box = (text, name) => h("div", { class: "codebox" }, h("pre", { tabindex: "0", "aria-label": name }, text),
        button("", { icon: "copy", kind: "quiet little", title: `Copy ${name}` }, () => copy(text)));
      const { program } = this.backend.tables;
      const files = [...(result.pictures ?? []), ...(result.inputs ?? [])];
      const link = (part, name, word) => h("a", { href: this.backend.resultPart(result.id, part), download: name }, word);
      const given = (name) => (result.inputs?.includes(name) ? link(`inputs/${encodeURIComponent(name)}`, name, name) : name);
      const needs = files.length > 0 && h("p", { class: "small" }, "They read ", files.map((name, n) => [n ? ", " : "", given(name)]),
        this.backend.kind === "server" ? [". ", link("bundle", `${this.fileName()}.zip`, "This zip"), " holds all of it: unpack it, and run them in its folder."] : ".");
      const where = h("p", { class: "small" }, program
        ? ["Where a terminal does not know ", h("code", {}, "likeness"), ", this is the one that runs here: ", h("code", {}, program.likeness), "; its Python: ", h("code", {}, program.python), "."]
        : ["The command and the Python are those of an environment with likeness (", h("code", {}, "pip install likeness"), ")."]);
      dialog("Make it again", [
        h("p", { class: "small soft" }, "This very face, to the pixel, from a shell or from Python:"),
        h("h3", {}, "In a shell"), box(result.command, "the command"),
        h("h3", {}, "In Python"), box(result.python, "the Python lines"), needs, where,
        result.notes?.length ? result.notes.map((note) => h("p", { class: "note" }, note)) : null,
      ]);
    });
  }

  async toggleCompare() {
    const stage = this.stage;
    if (!stage) return;
    if (stage.comparing) return this.endCompare();
    await this.trying(async () => {
      const result = await this.result();
      const choices = [...this.befores(result)];
      for (const name of result.intermediates ?? []) {
        const image = h("img", { alt: "", src: await this.backend.resultAddress(result.id, { intermediate: name, format: "png" }) });
        choices.push([name, image]);
      }
      if (!choices.length) throw new Error("there is nothing to compare this face with");
      const [name, element] = choices[0];
      this.compareButton.setAttribute("aria-pressed", "true");
      stage.compare(element, [name, "made"]);
      if (choices.length > 1) this.compareChoices(choices);
    });
  }

  compareChoices(choices) {
    const stage = this.stage;
    this.chooser?.remove();
    this.chooser = h("div", { class: "segments choices", role: "radiogroup", "aria-label": "Compare with", onkeydown: (event) => event.stopPropagation() }, choices.map(([name, element], n) => h("button", {
      type: "button", "aria-checked": String(n === 0), role: "radio", onclick: (event) => {
        [...this.chooser.children].forEach((one) => one.setAttribute("aria-checked", String(one === event.currentTarget)));
        stage.compare(element, [name, "made"]);
      },
    }, name)));
    stage.element.append(this.chooser); // on the face: the row of buttons stays where it is
  }

  endCompare() {
    this.stage?.endCompare();
    this.chooser?.remove();
    this.chooser = null;
    this.compareButton.setAttribute("aria-pressed", "false");
  }

  /** After each live answer: how long it took. */
  timed(answer) {
    this.ms.textContent = `${Math.round(answer.waited)} ms`;
    this.keepButton.disabled = false;
  }
}

/** A line that says which model is not here (none where that is empty), and what is used instead. */
export function absentNote() {
  const made = h("p", { class: "note", role: "status", hidden: true });
  made.tell = (absent, used) => {
    made.hidden = !absent;
    made.textContent = absent ? `The model ${absent} is not here: ${used} is used instead.` : "";
  };
  return made;
}

/** A small JPEG of a picture, as a data address, for the shelf. */
export async function thumbnail(address, side = 96) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const scale = side / Math.min(image.naturalWidth, image.naturalHeight);
  const canvas = h("canvas", { width: side, height: side });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  const [wide, high] = [image.naturalWidth * scale, image.naturalHeight * scale];
  context.drawImage(image, (side - wide) / 2, (side - high) / 2, wide, high);
  return canvas.toDataURL("image/jpeg", 0.8);
}

/** Whether a picture is one in colours, as photos are and most drawings are not. */
export async function coloured(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = h("canvas", { width: 48, height: 48 });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, 48, 48);
  const { data } = context.getImageData(0, 0, 48, 48);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]);
  return sum / (data.length / 4) > 14;
}
