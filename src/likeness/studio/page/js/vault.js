// What this browser keeps of the session, for when the server has forgotten it: the pictures as they were sent, and the state.

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** A picture's bytes in base64, as session files have them, as a Blob. */
export const blobOf = (data, type) => new Blob([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))], { type });

/** IndexedDB, of this browser and address alone. What cannot be kept (no room, or none allowed) is passed over. */
export class Vault {
  constructor(most = 200) { this.most = most; }

  async open() {
    const name = `likeness${new URL(".", document.baseURI).pathname}`;
    try {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("pictures", { autoIncrement: true });
        request.result.createObjectStore("notes");
      };
      this.held = await done(request);
    } catch { this.held = null; }
    return this;
  }

  /** What the request that `work` makes of a store gives; undefined where it cannot be done. */
  async on(store, work) {
    try {
      return await done(work(this.held.transaction(store, "readwrite").objectStore(store)));
    } catch { return undefined; }
  }

  /** Keep a picture, {id, name, internal, blob}; where there are too many, the oldest goes. */
  async keep(picture) {
    await this.on("pictures", (store) => store.add(picture));
    const keys = (await this.on("pictures", (store) => store.getAllKeys())) ?? [];
    for (const key of keys.slice(0, Math.max(keys.length - this.most, 0))) await this.on("pictures", (store) => store.delete(key));
  }

  /** Keep a picture no more. */
  async drop(id) {
    const [keys, held] = [(await this.on("pictures", (store) => store.getAllKeys())) ?? [], await this.pictures()];
    for (const [n, picture] of held.entries()) if (picture.id === id) await this.on("pictures", (store) => store.delete(keys[n]));
  }

  /** All pictures, in the order in which they came. */
  async pictures() { return (await this.on("pictures", (store) => store.getAll())) ?? []; }

  /** A note by its name: the page's "state", the server's "epoch". */
  note(name) { return this.on("notes", (store) => store.get(name)); }

  write(name, value) { return this.on("notes", (store) => store.put(value, name)); }

  async clear() {
    await this.on("pictures", (store) => store.clear());
    await this.on("notes", (store) => store.clear());
  }
}
