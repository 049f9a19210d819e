// A job as a card: how far it is, and what can be done with it.
import { ask, button, h, toast } from "./dom.js";
import { message } from "./bench.js";

const WORDS = { waiting: "waits its turn", running: "at work", stopping: "stopping", done: "done", failed: "failed", cancelled: "stopped", interrupted: "interrupted" };

/** What a person has to know of a job; the command's own words are many more. */
function words(job) {
  if (job.error) return job.error;
  const left = job.text.match(/(\d+) min left/);
  const minutes = left && Math.min(Number(left[1]), job.minutes ? Math.max(Math.ceil(job.minutes - job.spent), 0) : Infinity);
  const doing = { reading: "Reading the photos", training: `Learning${minutes === null ? "" : minutes ? `, about ${minutes} min left` : ", less than a minute left"}`, reenacting: "Making the frames" }[job.text.split(" ")[0]];
  return [
    job.state === "running" && (doing ?? "Beginning"),
    job.state === "running" && job.interruptions > 0 && "it was interrupted, and went on where it was",
    job.state === "waiting" && job.interruptions > 0 && "interrupted; it goes on where it was",
    job.state === "done" && job.minutes && job.done < job.total && `learned for ${Math.max(Math.round(job.spent), 1)} min; it can train on`,
    ...job.messages.filter((line) => line.startsWith("left out")),
  ].filter(Boolean).join(" · ");
}

export class JobCard {
  /** One card a job, newest first; cards that are there are changed, not made anew. */
  static lay(place, cards, jobs, backend, again, more = () => []) {
    for (const job of jobs) {
      if (!cards.has(job.id)) cards.set(job.id, new JobCard(backend, again, more));
      cards.get(job.id).show(job);
    }
    for (const id of [...cards.keys()]) if (!jobs.some((job) => job.id === id)) { cards.get(id).element.remove(); cards.delete(id); }
    jobs.forEach((job, n) => { const { element } = cards.get(job.id); if (place.children[n] !== element) place.insertBefore(element, place.children[n] ?? null); });
  }

  constructor(backend, again, more) {
    Object.assign(this, { backend, again, more });
    this.name = h("strong");
    this.state = h("span", { class: "state", role: "status" });
    this.bar = h("progress", { max: 1 });
    this.text = h("p", { class: "small soft" });
    this.buttons = h("div", { class: "row" });
    this.files = h("div", { class: "row" });
    this.element = h("article", { class: "job" }, h("header", {}, this.name, this.state), this.bar, this.text, this.buttons, this.files);
  }

  show(job) {
    this.name.textContent = job.name;
    this.bar.setAttribute("aria-label", `${job.name}: progress`);
    const share = job.total ? job.done / job.total : 0;
    const going = ["waiting", "running", "stopping"].includes(job.state);
    this.bar.hidden = !going && job.state !== "interrupted" && job.state !== "cancelled";
    if (job.state === "running" && !job.total) this.bar.removeAttribute("value"); else this.bar.value = share;
    this.state.textContent = going && job.total ? `${Math.round(share * 100)} %` : WORDS[job.state] ?? job.state;
    this.text.textContent = words(job);
    this.text.title = job.command;
    const key = JSON.stringify([job.state, job.files, job.system]);
    if (key === this.key) return;
    this.key = key;
    const run = async (name) => {
      try { await this.backend.job(job.id, name); } catch (problem) { toast(message(problem), true); }
      this.again();
    };
    const act = (word, sign, name, start = () => run(name)) => button(word, { icon: sign, kind: "little" }, start);
    const remove = () => ask(`Delete ${job.name}?`, `${job.kind === "portrait" ? "The model, and the copies of the photos that it was trained on," : "The clip that was made"} cannot be brought back${job.kind === "portrait" ? ", and session files do not hold them" : ""}.`,
      [["Delete", { icon: "bin" }, () => run("delete")]]);
    this.buttons.replaceChildren(...[
      ["waiting", "running"].includes(job.state) && act("Stop", "stop", "cancel"),
      ["cancelled", "interrupted", "failed"].includes(job.state) && act("Go on", "play", "resume"),
      ...this.more(job),
      !going && act("Delete", "bin", "delete", remove),
    ].filter(Boolean));
    this.files.replaceChildren(...(job.state === "done" || job.state === "cancelled" ? job.files ?? [] : []).map((name) => {
      const href = this.backend.jobFile(job.id, name);
      return h("a", { href, download: name, class: "small" }, name);
    }));
    const clip = job.state === "done" && (job.files ?? []).find((name) => name.endsWith(".mp4"));
    this.clip?.remove();
    if (clip) this.element.append(this.clip = h("video", { src: this.backend.jobFile(job.id, clip), controls: true, loop: true, muted: true, playsInline: true, "aria-label": `${job.name}: the made clip` }));
  }
}
