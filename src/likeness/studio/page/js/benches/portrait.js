// Portrait: photos of one person become a model of that person, which draws in the Sketch bench.
import { Bench, message } from "../bench.js";
import { button, dropsOn, dropzone, group, h, icon, say, slider, toast } from "../dom.js";
import { JobCard } from "../jobs.js";

const GOING = ["waiting", "running", "stopping"];

export class PortraitBench extends Bench {
  static key = "portrait";
  static title = "Portrait";
  static initial = { pictures: [], name: "", minutes: 20 };
  static keys = [["Tab", "from photo to photo"], ["Delete", "take the photo away"]];

  build() {
    this.checks = new Map();
    this.middle.querySelector(".actions").hidden = true;
    this.wall = h("ul", { class: "people", "aria-label": "Photos of the person" });
    this.able = this.backend.tables.jobs?.portrait ?? true;
    this.blank = h("div", { class: "empty" }, icon("photo"), h("h2", {}, "A model of one person"),
      h("p", {}, "Drop about twenty photos of somebody who agrees to it. Photos that do not match are marked; the rest train a model that turns drawings into that person."),
      this.able === true ? null : h("p", { class: "note warn" }, `Nothing can be trained here yet: ${this.able}.`),
      button("Choose photos", { icon: "plus", kind: "main" }, () => this.zone.querySelector("input").click()));
    this.board.append(this.wall, this.blank);
    dropsOn(this.board, (files) => this.take(files));
    this.zone = dropzone("Drop photos", "20 to 70 of one person", "image/*", (files) => this.take(files));
    this.summary = h("p", { class: "small", role: "status" });
    this.notes = h("div", { class: "group" });
    this.others = button("Use the photos of the session", { icon: "plus", kind: "little" }, () => this.put(this.app.pictures.map(({ id }) => id)));
    this.drop = button("Remove mismatches", { icon: "close", kind: "little", hidden: true }, () => this.dropOdd());
    this.left.append(this.zone, this.others, group("Photos", this.summary, this.notes, this.drop));

    this.name = h("input", { type: "text", id: "portrait-name", maxlength: "60", autocomplete: "off", oninput: () => this.change({ name: this.name.value }, "name") });
    this.minutes = slider("Train for", { min: 2, max: 120, step: 1, value: 20, show: (value) => `${value} min` }, (value, gesture) => this.change({ minutes: value }, gesture));
    this.train = button("Train", { icon: "play", kind: "main" }, () => this.begin());
    this.unable = this.able === true ? null : h("p", { class: "note warn" }, `Nothing can be trained here yet: ${this.able}.`);
    this.jobs = h("div", { class: "group" });
    this.cards = new Map();
    this.right.append(group("Model", h("div", { class: "field" }, h("label", { for: "portrait-name" }, "Name"), this.name), this.minutes, this.train, this.unable,
      h("p", { class: "small soft" }, "It trains in the background: the studio can be used meanwhile, and the page closed.")), group("Trainings", this.jobs));
    this.poll();
  }

  fileName() { return "portrait"; }
  forget() { this.checks.clear(); }
  keep() { toast("Keep a face on the Sketch bench"); }
  save() { toast("Draw with the model on the Sketch bench, and save there"); }
  toggleCompare() {}

  entered() { this.poll(); }

  async take(files) {
    const added = await this.app.add(files);
    if (added.length) this.put(added.map(({ id }) => id));
  }

  put(ids) {
    const pictures = [...this.doc.pictures, ...ids.filter((id) => !this.doc.pictures.includes(id))];
    if (pictures.length > this.doc.pictures.length) this.change({ pictures });
  }

  async look() {
    const { pictures } = this.doc;
    const key = JSON.stringify(pictures);
    if (key === this.looked || !pictures.length) return;
    this.looked = key;
    this.summary.textContent = "Looking at the photos…";
    try {
      const found = await this.backend.check(pictures);
      if (key !== JSON.stringify(this.doc.pictures)) return;
      this.checks = new Map(found.pictures.map((one) => [one.id, one]));
      this.person = found.person;
      const notes = [...(found.notes ?? [])];
      if (found.pictures.some(({ distance, usable }) => distance && !usable)) notes.push("Photos marked “somebody else?” are left out. Such a comparison can be wrong, with children and relatives most of all.");
      this.notes.replaceChildren(...notes.map((note) => h("p", { class: "note" }, note)));
    } catch (problem) {
      this.looked = null;
      toast(message(problem), true);
    }
    this.update();
  }

  known() { return this.doc.pictures.map((id) => this.app.pictures.find((one) => one.id === id)).filter(Boolean); }

  update() {
    const doc = this.doc;
    const people = this.known();
    const odd = people.filter(({ id }) => this.checks.get(id)?.usable === false);
    this.blank.hidden = people.length > 0;
    this.wall.hidden = !people.length;
    if (this.name.value !== doc.name) this.name.value = doc.name;
    this.minutes.set(doc.minutes);
    const usable = people.length - odd.length;
    if (!people.length) this.summary.textContent = "No photos yet.";
    else if (people.every(({ id }) => this.checks.has(id))) this.summary.textContent = `${usable} of ${people.length} can be learned from.${usable < 3 ? " At least 3 are needed." : usable < 20 ? " Twenty and more are good." : ""}`;
    this.drop.hidden = !odd.length;
    this.others.hidden = !this.app.pictures.some(({ id }) => !doc.pictures.includes(id));
    this.train.disabled = this.able !== true || usable < 3;
    const held = document.activeElement?.dataset?.person;
    this.wall.replaceChildren(...people.map(({ id, name }) => {
      const check = this.checks.get(id);
      const bad = check?.usable === false;
      return h("li", { class: `person ${bad ? "odd" : ""}` },
        h("img", { src: this.backend.pictureAddress(id, 240), alt: name, loading: "lazy" }),
        button("", { icon: "close", kind: "icon little", title: `Take ${name} away`, "data-person": id, onkeydown: (event) => { if (event.key === "Delete") this.takeAway(id); } }, () => this.takeAway(id)),
        h("span", { class: "name", title: name }, name),
        check ? h("span", { class: "why" }, bad ? check.reason : check.distance === null || check.distance === undefined ? "can be used" : id === this.person ? "the person" : "the same person") : h("span", { class: "why" }, "…"));
    }));
    if (held) this.wall.querySelector(`[data-person="${CSS.escape(held)}"]`)?.focus();
    this.look();
  }

  takeAway(id) {
    this.change({ pictures: this.doc.pictures.filter((one) => one !== id) });
    say("Taken away");
  }

  dropOdd() { this.change({ pictures: this.doc.pictures.filter((id) => this.checks.get(id)?.usable !== false) }); }

  begin() {
    return this.trying(async () => {
      const pictures = this.doc.pictures.filter((id) => this.checks.get(id)?.usable !== false);
      await this.backend.startJob({ kind: "portrait", pictures, minutes: this.doc.minutes, name: this.doc.name.trim() || "person" });
      say("Training begins");
      this.poll();
    });
  }

  async poll() {
    clearTimeout(this.polling);
    let wait = 0;
    try {
      const jobs = (await this.backend.jobs()).filter(({ kind }) => kind === "portrait");
      if (!jobs.length) this.jobs.replaceChildren(h("p", { class: "small soft" }, "None yet."));
      else {
        this.jobs.querySelector("p.soft.small:not(.job *)")?.remove();
        JobCard.lay(this.jobs, this.cards, jobs, this.backend, () => this.poll(), (job) => this.acts(job));
      }
      wait = jobs.some(({ state }) => GOING.includes(state)) ? 1000 : 0;
    } catch { wait = 5000; }
    if (wait) this.polling = setTimeout(() => this.poll(), wait);
  }

  acts(job) {
    const still = !GOING.includes(job.state);
    return [
      job.system && still && button("Draw with it", { icon: "pen", kind: "little main" }, () => this.drawWith(job)),
      job.state === "done" && job.done < job.total && button("Train on", { icon: "play", kind: "little", title: "Train for as many minutes more as are set above" }, () => this.trying(async () => {
        await this.backend.job(job.id, "resume", { minutes: this.doc.minutes });
        this.poll();
      })),
    ];
  }

  async drawWith({ system, name }) {
    await this.trying(() => this.backend.refresh());
    this.app.store.change("sketch", { model: system, modelName: name });
    location.hash = "sketch";
  }
}
