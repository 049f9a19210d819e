// The studio's server, by the API of docs/studio-api.md.
import { Live } from "./live.js";
import { Vault, blobOf } from "./vault.js";

const SAMPLES = ["ada.png", "bo.png", "cleo.png", "dev.png", "eun.png", "fay.png"];
const ROOT = new URL("api/v1/", document.baseURI);

async function call(path, { method = "GET", body, type } = {}) {
  let answer;
  try {
    answer = await fetch(new URL(path, ROOT), {
      method,
      headers: body !== undefined ? { "Content-Type": type ?? "application/json" } : {},
      body: body === undefined ? undefined : body instanceof Blob ? body : JSON.stringify(body),
    });
  } catch {
    throw Object.assign(new Error("the studio does not answer; is likeness studio still running?"), { offline: true });
  }
  if (answer.ok) return answer.status === 204 ? null : answer.headers.get("Content-Type")?.includes("json") ? answer.json() : answer.blob();
  let line = `${answer.status} ${answer.statusText}`;
  try { line = (await answer.json()).error ?? line; } catch { /* the status says enough */ }
  throw Object.assign(new Error(line), { status: answer.status });
}

/** A picture to the server; one with an id is put back as that. */
function send({ id = "", name, internal, blob }) {
  return call(`pictures?${new URLSearchParams({ name, id, internal })}`, { method: "POST", body: blob, type: blob.type || "application/octet-stream" });
}

export class Server {
  kind = "server";
  /** Called once the server, which had forgotten the session, has its pictures again; with how many it does not have. */
  restored = () => {};

  async open() {
    [this.tables, { systems: this.systems }] = await Promise.all([call("tables"), call("systems")]);
    this.vault = await new Vault(this.tables.limits.pictures).open();
    this.epoch = await this.vault.note("epoch");
    await this.putBack();
    const address = new URL("live", ROOT);
    address.protocol = address.protocol.replace("http", "ws");
    this.live = new Live(address, () => this.putBack());
    return this;
  }

  /** A request; once more where the server had forgotten the session. */
  async call(path, how) {
    const { epoch } = this;
    try {
      return await call(path, how);
    } catch (problem) {
      if (problem.status === 404) await this.putBack();
      if (this.epoch === epoch) throw problem;
      return call(path, how);
    }
  }

  /** Where the server has forgotten the session, as after a restart, send it again what this browser keeps of it. */
  putBack() { return (this.returning ??= this.sendAgain().finally(() => { this.returning = null; })); }

  async sendAgain() {
    const { epoch } = await call("session/state");
    if (epoch === this.epoch) return;
    const here = new Set((await call("pictures")).pictures.map(({ id }) => id));
    let lost = 0;
    for (const picture of await this.vault.pictures()) {
      if (here.has(picture.id)) continue;
      try { await send(picture); } catch (problem) {
        if (problem.offline) throw problem;
        lost += 1;
      }
    }
    const state = await this.vault.note("state");
    if (state) await call("session", { method: "PUT", body: { state: { docs: state.docs } } });
    this.epoch = epoch;
    await this.vault.write("epoch", epoch);
    this.restored(lost);
  }

  async refresh() { ({ systems: this.systems } = await call("systems")); }

  /** Send a picture. `internal`: an aid of the page's, none of the user's photos; `kept`: the session needs it after a restart. */
  async addPicture(file, name = file.name, { internal = false, kept = true } = {}) {
    if (!this.live.open) await this.putBack();
    const told = await send({ name: name || "picture.png", internal, blob: file });
    if (kept) await this.vault.keep({ id: told.id, name: told.name, internal, blob: file });
    return told;
  }

  /** The synthetic people that ship with likeness. */
  sampleFiles() {
    return Promise.all(SAMPLES.map(async (name) => new File([await (await fetch(new URL(`samples/${name}`, document.baseURI))).blob()], name, { type: "image/png" })));
  }

  async pictures() { return (await call("pictures")).pictures.filter(({ internal }) => !internal); }

  pictureAddress(id, longest) { return new URL(`pictures/${id}${longest ? `?longest=${longest}` : ""}`, ROOT).href; }

  /** Delete a picture, here and there. */
  async dropPicture(id) {
    await this.putBack();
    await call(`pictures/${id}`, { method: "DELETE" });
    await this.vault.drop(id);
  }

  /** Delete all pictures and the state, here and there. */
  async clear() {
    await call("pictures", { method: "DELETE" });
    await call("session", { method: "PUT", body: { state: null } });
    await this.keepOnly([], null);
  }

  /** Keep these pictures and this state in the browser, in the place of what it kept. */
  async keepOnly(pictures, state) {
    await this.vault.clear();
    await this.vault.write("epoch", this.epoch);
    for (const picture of pictures) await this.vault.keep(picture);
    if (state) await this.vault.write("state", state);
  }

  parts(id, face = 1) { return this.call(`pictures/${id}/parts`, { method: "POST", body: { face } }); }

  landmarks(id, system = "landmark", face = 1) { return this.call(`pictures/${id}/landmarks`, { method: "POST", body: { face, system } }); }

  parsing(id, face = 1) { return this.call(`pictures/${id}/parsing`, { method: "POST", body: { face } }); }

  drawing(id, effect) { return this.call(`pictures/${id}/drawing`, { method: "POST", body: { effect } }); }

  check(pictures) { return this.call("pictures/check", { method: "POST", body: { pictures } }); }

  async make(system, request) {
    const { results } = await this.call("make", { method: "POST", body: { system, ...request } });
    return results[0];
  }

  async makeMany(system, requests) { return (await this.call("make", { method: "POST", body: { system, requests } })).results; }

  resultAddress(id, query = {}) { return new URL(`results/${id}?${new URLSearchParams(query)}`, ROOT).href; }

  resultPart(id, part) { return new URL(`results/${id}/${part}`, ROOT).href; }

  addClip(file) { return call(`clips?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file, type: "application/octet-stream" }); }

  startJob(job) { return this.call("jobs", { method: "POST", body: job }); }

  async jobs() { return (await call("jobs")).jobs; }

  job(id, act, body) { return act === "delete" ? call(`jobs/${id}`, { method: "DELETE" }) : call(`jobs/${id}/${act}`, { method: "POST", body }); }

  jobFile(id, name) { return new URL(`jobs/${id}/files/${encodeURIComponent(name)}`, ROOT).href; }

  /** Keep the state; the browser keeps the history of changes, too. */
  async keepState(state, history = {}) {
    await this.vault.write("state", { ...state, ...history });
    try { await call("session", { method: "PUT", body: { state } }); } catch (problem) { if (!problem.offline) throw problem; } // putBack sends it then
  }

  async state() { return (await this.vault.note("state")) ?? (await call("session/state")).state; }

  sessionFile() { return call("session").then((answer) => (answer instanceof Blob ? answer : new Blob([JSON.stringify(answer)], { type: "application/json" }))); }

  async openSession(file) {
    const { state, pictures } = await call("session", { method: "POST", body: new Blob([file], { type: "application/json" }) });
    const data = new Map(JSON.parse(await file.text()).pictures.map((one) => [one.id, one]));
    await this.keepOnly(pictures.map(({ id, name, internal }) => ({ id, name, internal, blob: blobOf(data.get(id).data, data.get(id).type) })), state);
    return { state, pictures: pictures.filter(({ internal }) => !internal) };
  }
}
