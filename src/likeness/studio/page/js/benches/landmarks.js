// Landmarks: 68 points that can be dragged; a target's face follows.
import { Bench, absentNote, message } from "../bench.js";
import { button, check, download, dropsOn, dropzone, group, h, say, segments, select, slider, toast } from "../dom.js";
import * as faces from "../faces.js";
import { JobCard } from "../jobs.js";
import { Stage } from "../stage.js";

const SLIDERS = ["yaw", "pitch", "roll", "eyes", "mouth"];
const STILL = { yaw: 0, pitch: 0, roll: 0, eyes: null, mouth: null };
const NAMES = Object.keys(faces.PARTS).filter((part) => part !== "brows" && part !== "eyes");
const CLOSED = new Set(["left_eye", "right_eye", "outer_lips", "inner_lips"]);
const COLOURS = { jaw: "#8fb8ff", left_brow: "#ffd16e", right_brow: "#ffd16e", nose: "#8be3a4", left_eye: "#fff", right_eye: "#fff", outer_lips: "#ff8f9f", inner_lips: "#ffb3bb" };
/** Why there is no camera, by the name of the browser's error, and what to do. */
const CAMERA = {
  NotAllowedError: "The camera was not allowed. Allow it for this page (the sign in the address bar), then choose Camera again; or take a clip.",
  NotFoundError: "No camera was found. Plug one in and choose Camera again; or take a clip.",
  NotReadableError: "The camera is there but cannot be read: another program may be using it.",
  SecurityError: "Browsers give the camera to pages on this machine or over https only. Open the studio as localhost; or take a clip.",
};
const degrees = (value) => `${Math.round(value)}°`;

export class LandmarksBench extends Bench {
  static key = "landmarks";
  static title = "Landmarks";
  static local = true;
  static initial = { points: null, photo: null, framing: null, edited: false, target: "", own: false, ...STILL };
  static keys = [
    ["[ ]", "choose another point or part"], ["P", "points, parts or the whole"], ["← → ↑ ↓", "move it (with Shift: further)"],
    ["+ -", "larger, smaller"], ["M", "mirror"], ["0", "as it was"],
  ];

  build() {
    this.scope = "part";
    this.chosen = { point: 30, part: "mouth" };
    this.showing = true;
    this.canvas = new Stage({ label: "The face and its landmarks", describe: this.describe });
    this.canvas.draw = (context, width) => this.lay(context, width);
    this.board.append(this.canvas.element);
    dropsOn(this.canvas.element, (files) => this.take(files));
    this.pointing();

    const server = this.backend.kind === "server";
    this.zone = server
      ? dropzone("Drop a photo", "its landmarks are read", "image/*", (files) => this.take(files))
      : dropzone("Open landmarks", "a JSON file of likeness landmarks", ".json,application/json", (files) => this.openPoints(files[0]), false);
    this.photos = h("div", { class: "tiles" });
    this.photoGroup = group(server ? "Photos" : "Samples", this.photos);
    this.left.append(this.zone, this.photoGroup, h("div", { class: "row even" },
      button("Plain face", { icon: "face", kind: "little", title: "The landmarks of nobody, seen from the front" }, () => this.change({ points: null, photo: null, framing: null, edited: false, ...STILL }))));
    if (server) this.left.append(this.drivers());
    this.left.append(h("div", { class: "row even" }, button("Save the landmarks", { icon: "save", kind: "little", title: "Save the 68 landmarks as JSON" }, () => this.savePoints())));

    this.target = select("Whose face", [["", ""]], "", (value) => this.change({ target: value }));
    this.own = check("The landmarks are this person's own", false, (own) => this.change({ own }));
    const turn = (name, word, most) => slider(word, { min: -most, max: most, step: 1, value: 0, show: degrees, neutral: 0 }, (value, gesture) => this.change({ [name]: value }, gesture));
    this.sliders = {
      yaw: turn("yaw", "Turn", 45),
      pitch: turn("pitch", "Nod", 30),
      roll: turn("roll", "Lean", 45),
      eyes: slider("Eyes", { min: 0, max: 2, step: 0.02, value: 1, show: (value) => `${Math.round(value * 100)} %`, neutral: 1 }, (value, gesture) => this.change({ eyes: value }, gesture)),
      mouth: slider("Mouth", { min: 0, max: 0.8, step: 0.01, value: 0, show: (value) => `${Math.round(value * 100)} %` }, (value, gesture) => this.change({ mouth: value }, gesture)),
    };
    this.scopes = segments("What a drag moves", [["point", "Point", "point"], ["part", "Part", "part"], ["whole", "Whole", "whole"]], this.scope, (scope) => { this.scope = scope; this.canvas.relay(); });
    this.right.append(
      group("Target", this.target, this.absent = absentNote(), this.own),
      group("Drag", this.scopes, check("Show the landmarks", true, (on) => { this.showing = on; this.canvas.relay(); })),
      group("Head", this.sliders.yaw, this.sliders.pitch, this.sliders.roll),
      group("Expression", this.sliders.eyes, this.sliders.mouth),
      h("div", { class: "row even" },
        button("Mirror", { icon: "flip", kind: "little", title: "Mirror (M)" }, () => this.mirror()),
        button("As it was", { icon: "reset", kind: "little", title: "As it was (0)" }, () => this.asItWas())));
  }

  get stage() { return this.canvas; }
  layout() { this.canvas.fit(Math.min(this.board.clientWidth - 48, 600), this.board.clientHeight - 48); }
  fileName() { return "face-landmarks"; }

  systems() { return this.backend.systems.filter(({ system }) => system === "landmark"); }

  system() {
    const [name, target] = (this.doc.target || "").split("|");
    const system = this.systems().find((one) => one.name === name) ?? this.systems()[0];
    return { system, target: system?.targets.includes(target) ? target : system?.targets[0] ?? "" };
  }

  size() { return this.system().system.size; }

  /** The landmarks that were given, in the framing, before the sliders. */
  points() {
    const { system } = this.system();
    return this.doc.points ?? faces.plain({ size: system.size, eye_distance: 0.27, eye_height: 0.45, ...system.framing });
  }

  shown() { return this.driven ?? faces.changed(this.points(), this.doc); }

  async take(files) {
    const json = files.find((file) => file.name.toLowerCase().endsWith(".json"));
    if (json) return this.openPoints(json);
    if (files[0]?.type.startsWith("video/")) return this.drive(files[0]);
    const [picture] = await this.app.add(files);
    if (picture) await this.read(picture.id);
    return undefined;
  }

  read(id) {
    return this.trying(async () => {
      const found = await this.backend.landmarks(id, this.system().system.name);
      this.change({ ...STILL, points: faces.rounded(found.framed), photo: id, framing: found.framing, edited: false });
      if (found.faces > 1) toast(`${found.faces} faces were found; this is the largest`);
      say("Landmarks read");
    });
  }

  openPoints(file) {
    return this.trying(async () => {
      let found;
      try { found = JSON.parse(await file.text()); } catch { throw new Error(`${file.name}: is no JSON`); }
      const points = found.points ?? found;
      if (!Array.isArray(points) || points.length !== faces.COUNT || !points.flat().every(Number.isFinite)) throw new Error(`${file.name}: landmarks are 68 pairs of numbers`);
      this.change({ ...STILL, points: faces.rounded(framed(points, this.system().system)), photo: null, framing: null, edited: true });
    });
  }

  savePoints() {
    const text = JSON.stringify({ points: faces.rounded(this.shown()), order: "iBUG 68, pixel centres from (0, 0)", size: [this.size(), this.size()] });
    const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    download(address, "landmarks.json");
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  mirror() {
    const { yaw, roll } = this.doc;
    this.change({ points: faces.rounded(faces.mirrored(this.points(), this.size())), yaw: -yaw, roll: -roll, edited: true });
    say("Mirrored");
  }

  asItWas() {
    if (this.doc.photo && this.doc.edited) return this.read(this.doc.photo);
    return this.change(this.doc.photo ? STILL : { ...STILL, points: null, edited: false });
  }

  compose() {
    const { system, target } = this.system();
    const options = { framed: true };
    for (const name of SLIDERS) if (this.doc[name]) options[name] = this.doc[name];
    for (const name of ["eyes", "mouth"]) if (this.doc[name] !== null) options[name] = this.doc[name];
    if (this.doc.own) options.convert = false;
    return { system: system.name, conditions: { landmarks: faces.rounded(this.points()), ...(target ? { target } : {}) }, options };
  }

  /** What a driver shows is taken up again as landmarks of one's own. */
  keptDoc() { return this.driven ? { ...this.doc, ...STILL, points: faces.rounded(this.driven), photo: null, framing: null, edited: true } : this.doc; }

  async request() {
    const request = this.compose();
    if (this.driven) {
      request.conditions.landmarks = faces.rounded(this.driven);
      for (const name of SLIDERS) delete request.options[name];
      return request;
    }
    if (this.doc.photo && !this.doc.edited && this.backend.kind === "server") {
      request.conditions.landmarks = this.doc.photo;
      delete request.options.framed;
    }
    return request;
  }

  update() {
    const doc = this.doc;
    const choices = this.systems().flatMap((one) => (one.targets.length ? one.targets : [""]).map((target) => [`${one.name}|${target}`, ["", "anyone", "generic"].includes(target) ? (one.name === "landmark" ? "the generic face" : one.name) : target]));
    const { system, target } = this.system();
    const used = `${system.name}|${target}`;
    this.target.fill(choices, used);
    this.absent.tell(!doc.target || doc.target === used ? "" : doc.target.replace("|", " "), choices.find(([key]) => key === used)?.[1]);
    this.own.set(doc.own);
    this.own.hidden = system.targets.length < 2 && system.name === "landmark";
    const points = this.points();
    for (const name of ["yaw", "pitch", "roll"]) this.sliders[name].set(doc[name]);
    this.sliders.eyes.set(doc.eyes ?? 1);
    this.sliders.mouth.set(doc.mouth ?? Math.max(faces.gap(points), 0));
    const pictures = this.backend.kind === "server" ? this.app.pictures : this.backend.samples ?? [];
    const state = JSON.stringify([pictures.map(({ id }) => id), doc.photo]);
    if (state !== this.listed) {
      this.listed = state;
      this.photoGroup.hidden = !pictures.length;
      this.photos.replaceChildren(...pictures.map((one) => this.photo(one, {
        "aria-label": `Landmarks of ${one.name}`, "aria-pressed": String(doc.photo === one.id), onclick: () => this.read(one.id),
      })));
    }
    this.ask();
    this.canvas.relay();
  }

  entered() { this.asked = null; this.ask(); }

  left_() { this.stopDriving(); }

  ask() {
    if (this.driving) return;
    const { system, ...request } = this.compose();
    const key = JSON.stringify([system, request]);
    if (key === this.asked) return;
    this.asked = key;
    this.backend.live.ask("landmarks", { system, ...request, want: ["picture"] }, [], (answer) => this.answered(answer), (line) => { this.asked = null; toast(line, true); });
  }

  answered(answer) {
    this.canvas.paint(answer.pictures.picture.bitmap);
    const score = answer.made?.ood_score ?? 0;
    const text = score > 1 ? `outside what this model has seen (${score.toFixed(1)} times too far)` : "";
    if (Boolean(text) !== Boolean(this.warned)) say(text || "inside what this model has seen");
    this.warned = text;
    this.canvas.warn(text);
    this.timed(answer);
  }

  // Pointing

  /** The landmarks that go along: of the chosen point, part or the whole. */
  moving() {
    if (this.scope === "point") return [this.chosen.point];
    return this.scope === "part" ? faces.indices(this.chosen.part) : [...Array(faces.COUNT).keys()];
  }

  /** Move landmarks by what they should move by in the picture, in pixels of the framing: the sliders are undone for it. */
  move(points, which, [right, down]) {
    const { yaw, pitch, roll } = this.doc;
    const [[a, b], [c, d]] = faces.rotation(yaw, pitch, roll).slice(0, 2);
    const det = a * d - b * c;
    const by = [(d * right - b * down) / det, (a * down - c * right) / det];
    return faces.rounded(faces.shifted(points, which, ...by));
  }

  nearest([x, y]) {
    const points = this.shown();
    const size = this.size();
    const far = points.map(([px, py]) => Math.hypot((px + 0.5) / size - x, (py + 0.5) / size - y));
    const point = far.indexOf(Math.min(...far));
    return { point, far: far[point], part: NAMES.find((part) => faces.indices(part).includes(point)) };
  }

  pointing() {
    const element = this.canvas.element;
    const relay = () => this.canvas.relay();
    element.addEventListener("pointerenter", () => { this.hovering = true; relay(); });
    element.addEventListener("pointerleave", () => { this.hovering = false; this.near = null; relay(); });
    element.addEventListener("focus", relay);
    element.addEventListener("blur", relay);
    element.addEventListener("pointerdown", (event) => {
      if (this.canvas.comparing || this.driving || event.button) return;
      const place = this.canvas.place(event);
      const near = this.nearest(place);
      if (this.scope !== "whole" && near.far > 0.09) return;
      element.setPointerCapture(event.pointerId);
      this.chosen = { point: near.point, part: near.part };
      this.drag = { place, points: this.points(), which: this.moving(), gesture: `drag:${performance.now()}` };
      relay();
    });
    element.addEventListener("pointermove", (event) => {
      const place = this.canvas.place(event);
      if (!this.drag) {
        const near = this.nearest(place);
        const found = near.far < 0.09 || this.scope === "whole" ? near : null;
        element.style.cursor = found && !this.canvas.comparing ? "grab" : "";
        if (found?.point !== this.near?.point || found?.part !== this.near?.part) { this.near = found; relay(); }
        return;
      }
      const { points, which, gesture, place: from } = this.drag;
      const by = [place[0] - from[0], place[1] - from[1]].map((value) => value * this.size());
      this.change({ points: this.move(points, which, by), edited: true }, gesture);
    });
    const end = () => { this.drag = null; relay(); };
    element.addEventListener("pointerup", end);
    element.addEventListener("pointercancel", end);
    element.addEventListener("wheel", (event) => {
      if (this.canvas.comparing || this.scope === "point") return;
      event.preventDefault();
      if (this.near?.part && this.scope === "part") this.chosen = { point: this.near.point, part: this.near.part };
      this.change({ points: faces.rounded(faces.scaled(this.points(), this.moving(), Math.exp(-event.deltaY / 1500))), edited: true }, "wheel");
    }, { passive: false });
    element.addEventListener("keydown", (event) => this.onCanvas(event));
  }

  onCanvas(event) {
    if (event.target !== this.canvas.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const far = (event.shiftKey ? 0.04 : 0.008) * this.size();
    const arrow = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[event.key];
    const step = { "[": -1, "]": 1 }[event.key];
    const factor = { "+": 1.03, "=": 1.03, "-": 1 / 1.03 }[event.key];
    if (step && this.scope === "point") {
      this.chosen.point = (this.chosen.point + step + faces.COUNT) % faces.COUNT;
      this.chosen.part = NAMES.find((part) => faces.indices(part).includes(this.chosen.point));
      say(`point ${this.chosen.point}, ${this.chosen.part.replace("_", " ")}`);
    } else if (step) {
      this.chosen.part = NAMES[(NAMES.indexOf(this.chosen.part) + step + NAMES.length) % NAMES.length];
      say(this.chosen.part.replace("_", " "));
    } else if (arrow) {
      this.change({ points: this.move(this.points(), this.moving(), arrow), edited: true }, `keys:${this.scope}:${this.chosen.part}:${this.chosen.point}`);
    } else if (factor && this.scope !== "point") {
      this.change({ points: faces.rounded(faces.scaled(this.points(), this.moving(), factor)), edited: true }, "keys:size");
    } else return;
    event.preventDefault();
    this.canvas.relay();
  }

  keyed(event) {
    if (event.key === "m") this.mirror();
    else if (event.key === "0") this.asItWas();
    else if (event.key === "p") {
      const order = ["point", "part", "whole"];
      this.scope = order[(order.indexOf(this.scope) + 1) % 3];
      this.scopes.set(this.scope);
      say(`a drag moves ${this.scope === "whole" ? "the whole" : `a ${this.scope}`}`);
      this.canvas.relay();
    }
  }

  lay(context, width) {
    const active = this.hovering || this.drag || document.activeElement === this.canvas.element;
    if (!this.showing) return;
    const points = this.shown();
    const k = width / this.size();
    const at = (i) => [(points[i][0] + 0.5) * k, (points[i][1] + 0.5) * k];
    const chosen = new Set(active ? (this.drag || !this.near ? this.moving() : this.scope === "whole" ? this.moving() : this.scope === "point" ? [this.near.point] : faces.indices(this.near.part)) : []);
    context.globalAlpha = active ? 1 : 0.45;
    context.lineJoin = "round";
    for (const [name, group_] of Object.entries(faces.GROUPS)) {
      context.beginPath();
      group_.forEach((i, n) => context[n ? "lineTo" : "moveTo"](...at(i)));
      if (CLOSED.has(name)) context.closePath();
      context.strokeStyle = "rgb(0 0 0 / 45%)";
      context.lineWidth = 3.2;
      context.stroke();
      context.strokeStyle = COLOURS[name];
      context.lineWidth = chosen.has(group_[0]) && this.scope !== "point" ? 2.2 : 1.3;
      context.stroke();
    }
    for (let i = 0; i < faces.COUNT; i += 1) {
      const on = chosen.has(i);
      if (!on && !active) continue;
      context.beginPath();
      context.arc(...at(i), on ? 4.6 : 2.7, 0, 7);
      context.fillStyle = on ? "#fff" : "rgb(255 255 255 / 85%)";
      context.fill();
      context.lineWidth = on ? 2 : 1;
      context.strokeStyle = on ? "#1d5f4c" : "rgb(0 0 0 / 55%)";
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  /** The photo, as it is framed: what the landmarks came from. */
  befores() {
    const found = [];
    if (this.doc.photo && this.doc.framing && this.backend.kind === "server") {
      const size = this.size();
      const canvas = h("canvas", { width: 4 * size, height: 4 * size });
      const image = new Image();
      image.onload = () => {
        const [[a, b, x], [c, d, y]] = this.doc.framing;
        const context = canvas.getContext("2d");
        context.setTransform(4 * a, 4 * c, 4 * b, 4 * d, 4 * (x + 0.5 - (a + b) / 2), 4 * (y + 0.5 - (c + d) / 2));
        context.imageSmoothingQuality = "high";
        context.drawImage(image, 0, 0);
      };
      image.src = this.backend.pictureAddress(this.doc.photo);
      found.push(["photo", canvas]);
    }
    return found;
  }

  // A driver: the camera, or a clip

  drivers() {
    this.video = h("video", { muted: true, playsInline: true, hidden: true, loop: true, "aria-label": "The driver" });
    this.video.style.borderRadius = "12px";
    this.driverState = h("p", { class: "small soft", role: "status" });
    this.clipInput = h("input", { type: "file", accept: "video/*", hidden: true, onchange: () => { this.drive(this.clipInput.files[0]); this.clipInput.value = ""; } });
    this.stopButton = button("Stop", { icon: "stop", kind: "little", hidden: true }, () => this.stopDriving());
    this.takeButton = button("Take these landmarks", { icon: "point", kind: "little", hidden: true }, () => this.takeDriven());
    this.renderButton = button("Make the whole clip", { icon: "save", kind: "little", hidden: true }, () => this.render());
    const able = this.backend.tables.jobs?.reenact ?? true;
    this.renderButton.disabled = able !== true;
    this.jobs = h("div", { class: "group" });
    this.cards = new Map();
    this.poll();
    return group("Driver", h("div", { class: "row even" },
      button("Camera", { icon: "camera", kind: "little" }, () => this.driveCamera()),
      button("Clip", { icon: "play", kind: "little" }, () => this.clipInput.click())),
    this.clipInput, this.video, this.driverState, h("div", { class: "row" }, this.stopButton, this.takeButton, this.renderButton),
    able === true ? null : h("p", { class: "note warn" }, `A clip moves the face live, but cannot be made as a whole here: ${able}.`), this.jobs);
  }

  async driveCamera() {
    this.stopDriving();
    const asking = (this.asking = Symbol("the camera"));
    this.driverState.textContent = "Waiting for the camera: the browser asks whether it may be used.";
    let stream;
    try {
      if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, facingMode: "user" } });
    } catch (problem) {
      if (this.asking === asking) this.driverState.textContent = CAMERA[problem.name] ?? `The camera cannot be opened: ${message(problem)}`;
      return;
    }
    if (this.asking !== asking) { stream.getTracks().forEach((track) => track.stop()); return; } // stopped, or another bench meanwhile
    this.video.srcObject = stream;
    stream.getVideoTracks()[0].onended = () => { if (this.asking === asking) { this.stopDriving(); this.driverState.textContent = "The camera was taken away."; } };
    this.run();
  }

  async drive(file) {
    if (!file) return;
    this.stopDriving();
    this.renderButton.hidden = true;
    if (file.type && !file.type.startsWith("video/")) { this.driverState.textContent = `${file.name} is no video.`; return; }
    this.clip = file;
    this.video.src = URL.createObjectURL(file);
    this.video.onerror = () => { this.stopDriving(false); this.driverState.textContent = file.type ? `This browser cannot play ${file.name}. If it is a video, it can be made as a whole.` : `${file.name} is no video that this browser knows. If it is one, it can be made as a whole.`; this.renderButton.hidden = false; };
    this.renderButton.hidden = false;
    this.run();
  }

  async run() {
    this.driving = true;
    this.restart = true;
    this.video.hidden = false;
    this.stopButton.hidden = false;
    try { await this.video.play(); } catch { return; }
    this.driverState.textContent = "";
    this.frame();
  }

  frame() {
    if (!this.driving) return;
    const again = () => ("requestVideoFrameCallback" in this.video ? this.video.requestVideoFrameCallback(() => this.frame()) : requestAnimationFrame(() => this.frame()));
    const { videoWidth, videoHeight } = this.video;
    if (videoWidth) {
      const scale = Math.min(1, 400 / Math.max(videoWidth, videoHeight));
      const [width, height] = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
      this.film ??= h("canvas");
      if (this.film.width !== width || this.film.height !== height) { this.film.width = width; this.film.height = height; }
      const context = this.film.getContext("2d", { willReadFrequently: true });
      context.drawImage(this.video, 0, 0, width, height);
      const { data } = context.getImageData(0, 0, width, height);
      const { system, target } = this.system();
      const track = this.restart ? "restart" : true;
      this.restart = false;
      this.backend.live.ask("driver", {
        system: system.name, conditions: { landmarks: { blob: 0 }, ...(target ? { target } : {}) }, options: this.doc.own ? { convert: false } : {}, track, want: ["picture", "points"],
      }, [{ data, width, height, raw: "rgba" }], (answer) => {
        if (!this.driving) return;
        this.driven = answer.points ?? this.driven;
        this.answered(answer);
        this.takeButton.hidden = !this.driven;
        this.driverState.textContent = "";
        this.canvas.relay();
      }, (line) => { this.driverState.textContent = line; });
    }
    again();
  }

  takeDriven() {
    const points = this.driven;
    this.stopDriving();
    if (points) this.change({ ...STILL, points: faces.rounded(points), photo: null, framing: null, edited: true });
  }

  stopDriving(all = true) {
    if (!this.video) return;
    this.asking = null;
    this.driving = false;
    this.driven = null;
    this.video.pause();
    this.video.srcObject?.getTracks().forEach((track) => track.stop());
    this.video.srcObject = null;
    if (this.video.src) { URL.revokeObjectURL(this.video.src); this.video.removeAttribute("src"); }
    this.video.hidden = true;
    this.stopButton.hidden = true;
    this.takeButton.hidden = true;
    if (all) { this.driverState.textContent = ""; }
    this.asked = null;
    if (this.app.active === this) this.update();
  }

  render() {
    return this.trying(async () => {
      const clip = await this.backend.addClip(this.clip);
      const { system, target } = this.system();
      await this.backend.startJob({ kind: "reenact", clip: clip.id, system: system.name, target: target || null, beside: false, own: this.doc.own, raw: false });
      this.poll();
    });
  }

  async poll() {
    clearTimeout(this.polling);
    try {
      const jobs = (await this.backend.jobs()).filter(({ kind }) => kind === "reenact");
      JobCard.lay(this.jobs, this.cards, jobs, this.backend, () => this.poll());
      if (jobs.some(({ state }) => ["waiting", "running", "stopping"].includes(state))) this.polling = setTimeout(() => this.poll(), 1000);
    } catch { this.polling = setTimeout(() => this.poll(), 5000); }
  }
}

/** Landmarks of any picture in a framing: by scale and place, not turned, as likeness.faces.align.upright has them. */
export function framed(points, { size, framing }) {
  const mid = (which) => which.reduce((sum, i) => [sum[0] + points[i][0] / which.length, sum[1] + points[i][1] / which.length], [0, 0]);
  const given = [mid(faces.GROUPS.left_eye), mid(faces.GROUPS.right_eye), mid([48, 54])];
  const half = framing.eye_distance / 2;
  const high = framing.eye_height * size;
  const wanted = [[(0.5 - half) * size, high], [(0.5 + half) * size, high], [0.5 * size, high + framing.mouth_drop * size]];
  const [across, up] = [0, 1].map((k) => given[1][k] - given[0][k]);
  const long = Math.max(Math.hypot(across, up), 1e-6);
  const level = given.map(([x, y]) => [(across * x + up * y) / long, (across * y - up * x) / long]);
  const middle = (set) => [0, 1].map((k) => set.reduce((sum, one) => sum + one[k] / 3, 0));
  const [p, q, l] = [given, wanted, level].map(middle);
  let [over, under] = [0, 0];
  level.forEach((one, n) => [0, 1].forEach((k) => { over += (one[k] - l[k]) * (wanted[n][k] - q[k]); under += (one[k] - l[k]) ** 2; }));
  const scale = Math.max(over / Math.max(under, 1e-9), 1e-3);
  return points.map((one) => [0, 1].map((k) => q[k] + scale * (one[k] - p[k])));
}
