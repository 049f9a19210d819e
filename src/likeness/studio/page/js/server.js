// The studio's server, by the API of docs/studio-api.md.
import { Live } from "./live.js";

const SAMPLES = ["ada.png", "bo.png", "cleo.png", "dev.png", "eun.png", "fay.png"];
const HELPERS = new Set(["drawing.png", "parsing.png"]); // what the Sketch bench sends for a result
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
    throw new Error("the studio does not answer; is likeness studio still running?");
  }
  if (answer.ok) return answer.status === 204 ? null : answer.headers.get("Content-Type")?.includes("json") ? answer.json() : answer.blob();
  let line = `${answer.status} ${answer.statusText}`;
  try { line = (await answer.json()).error ?? line; } catch { /* the status says enough */ }
  throw new Error(line);
}

export class Server {
  kind = "server";

  async open() {
    [this.tables, { systems: this.systems }] = await Promise.all([call("tables"), call("systems")]);
    const address = new URL("live", ROOT);
    address.protocol = address.protocol.replace("http", "ws");
    this.live = new Live(address);
    return this;
  }

  async refresh() { ({ systems: this.systems } = await call("systems")); }

  addPicture(file, name = file.name) {
    return call(`pictures?name=${encodeURIComponent(name || "picture.png")}`, { method: "POST", body: file, type: file.type || "application/octet-stream" });
  }

  /** The synthetic people that ship with likeness. */
  sampleFiles() {
    return Promise.all(SAMPLES.map(async (name) => new File([await (await fetch(new URL(`samples/${name}`, document.baseURI))).blob()], name, { type: "image/png" })));
  }

  async pictures() { return (await call("pictures")).pictures.filter(({ name }) => !HELPERS.has(name)); }

  pictureAddress(id, longest) { return new URL(`pictures/${id}${longest ? `?longest=${longest}` : ""}`, ROOT).href; }

  dropPicture(id) { return call(`pictures/${id}`, { method: "DELETE" }); }

  parts(id, face = 1) { return call(`pictures/${id}/parts`, { method: "POST", body: { face } }); }

  landmarks(id, system = "landmark", face = 1) { return call(`pictures/${id}/landmarks`, { method: "POST", body: { face, system } }); }

  parsing(id, face = 1) { return call(`pictures/${id}/parsing`, { method: "POST", body: { face } }); }

  drawing(id, effect) { return call(`pictures/${id}/drawing`, { method: "POST", body: { effect } }); }

  check(pictures) { return call("pictures/check", { method: "POST", body: { pictures } }); }

  async make(system, request) {
    const { results } = await call("make", { method: "POST", body: { system, ...request } });
    return results[0];
  }

  async makeMany(system, requests) { return (await call("make", { method: "POST", body: { system, requests } })).results; }

  resultAddress(id, query = {}) { return new URL(`results/${id}?${new URLSearchParams(query)}`, ROOT).href; }

  resultPart(id, part) { return new URL(`results/${id}/${part}`, ROOT).href; }

  addClip(file) { return call(`clips?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file, type: "application/octet-stream" }); }

  startJob(job) { return call("jobs", { method: "POST", body: job }); }

  async jobs() { return (await call("jobs")).jobs; }

  job(id, act, body) { return act === "delete" ? call(`jobs/${id}`, { method: "DELETE" }) : call(`jobs/${id}/${act}`, { method: "POST", body }); }

  jobFile(id, name) { return new URL(`jobs/${id}/files/${encodeURIComponent(name)}`, ROOT).href; }

  keepState(state) { return call("session", { method: "PUT", body: { state } }); }

  async state() { return (await call("session/state")).state; }

  sessionFile() { return call("session").then((answer) => (answer instanceof Blob ? answer : new Blob([JSON.stringify(answer)], { type: "application/json" }))); }

  openSession(file) { return call("session", { method: "POST", body: new Blob([file], { type: "application/json" }) }); }
}
