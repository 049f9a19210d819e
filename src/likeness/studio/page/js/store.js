// What the benches hold, as plain JSON, with a history for each bench. Documents are never changed in place.

const DEPTH = 200;

/** Plain JSON without a picture: fields that name it and things that it is the `id` of are left out. */
export function without(value, id) {
  const gone = (one) => one === id || one?.id === id;
  if (Array.isArray(value)) return value.filter((one) => !gone(one)).map((one) => without(one, id));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => !gone(one)).map(([name, one]) => [name, without(one, id)]));
}

/** Whether plain JSON names a picture. */
export const names = (value, id) => JSON.stringify(value ?? null).includes(JSON.stringify(id));

export class Store extends EventTarget {
  constructor(initial) {
    super();
    this.initial = initial;
    this.docs = { ...initial };
    this.past = {};
    this.future = {};
    this.merging = {};
  }

  get(bench) { return this.docs[bench]; }

  /** Put fields in the place of a bench's; changes of one `gesture` in a row are one step of undo. */
  change(bench, fields, gesture = null) {
    const before = this.docs[bench];
    const next = typeof fields === "function" ? fields(before) : { ...before, ...fields };
    if (next === before) return;
    if (gesture === null || this.merging[bench] !== gesture) {
      (this.past[bench] ??= []).push(before);
      if (this.past[bench].length > DEPTH) this.past[bench].shift();
    }
    this.merging[bench] = gesture;
    this.future[bench] = [];
    this.docs[bench] = next;
    this.tell(bench);
  }

  /** The same, without a step of undo: for what is not the user's own doing. */
  settle(bench, fields) {
    this.docs[bench] = { ...this.docs[bench], ...fields };
    this.tell(bench);
  }

  canUndo(bench) { return Boolean(this.past[bench]?.length); }

  canRedo(bench) { return Boolean(this.future[bench]?.length); }

  undo(bench) { this.step(bench, this.past, this.future); }

  redo(bench) { this.step(bench, this.future, this.past); }

  step(bench, from, to) {
    if (!from[bench]?.length) return;
    (to[bench] ??= []).push(this.docs[bench]);
    this.docs[bench] = from[bench].pop();
    this.merging[bench] = null;
    this.tell(bench);
  }

  /** What undo and redo go through. It shares nearly everything with the documents. */
  get history() { return { past: this.past, future: this.future }; }

  /** All of it at once; without a `history` there is nothing to undo. */
  load(docs, { past = {}, future = {} } = {}) {
    for (const bench of Object.keys(this.initial)) {
      const whole = (doc) => ({ ...this.initial[bench], ...doc });
      this.docs[bench] = whole(docs?.[bench]);
      this.past[bench] = (past[bench] ?? []).map(whole);
      this.future[bench] = (future[bench] ?? []).map(whole);
      this.tell(bench);
    }
  }

  /** Put `rewritten(bench, doc)` in the place of every document, those of undo and redo too. */
  rewrite(rewritten) {
    for (const bench of Object.keys(this.initial)) {
      const anew = (doc) => rewritten(bench, doc);
      this.docs[bench] = anew(this.docs[bench]);
      for (const steps of [this.past, this.future]) steps[bench] = (steps[bench] ?? []).map(anew);
      this.tell(bench);
    }
  }

  tell(bench) { this.dispatchEvent(new CustomEvent("change", { detail: bench })); }
}
