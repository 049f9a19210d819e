// Making elements, and the controls that every bench shares.

/** An element: attributes by name, `on…` listeners, `class`, and children (nodes, text, arrays, nothing). */
export function h(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const PATHS = {
  undo: "M9 7H15a5 5 0 0 1 0 10H8M9 7l3.5-3.500M9 7l3.5 3.5",
  redo: "M15 7H9a5 5 0 0 0 0 10h7M15 7l-3.5-3.500M15 7l-3.5 3.5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2.500M12 19.500V22M2 12h2.500M19.5 12H22M5 5l1.7 1.700M17.3 17.3 19 19M19 5l-1.7 1.700M6.7 17.3 5 19",
  moon: "M20 14.500A8.3 8.3 0 0 1 9.5 4a8.3 8.3 0 1 0 10.5 10.500Z",
  file: "M7 3h7l5 5v13H7zM14 3v5h5",
  open: "M3 19V6a1 1 0 0 1 1-1h5l2 2.500h8a1 1 0 0 1 1 1V19a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1Z",
  save: "M12 4v11M7.5 11 12 15.5 16.5 11M5 20h14",
  keep: "M7 3.500h10a1 1 0 0 1 1 1V21l-6-4.500L6 21V4.500a1 1 0 0 1 1-1Z",
  compare: "M12 3v18M4 6h5v12H4zM15 6h5v12h-5z",
  code: "M8.5 7 3.5 12l5 5M15.5 7l5 5-5 5",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  close: "M6 6l12 12M18 6 6 18",
  plus: "M12 5v14M5 12h14",
  dice: "M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1ZM8.5 8.500h.01M15.5 8.500h.01M12 12h.01M8.5 15.500h.01M15.5 15.500h.01",
  grid: "M4 4h6.500v6.500H4zM13.5 4H20v6.500h-6.500zM4 13.500h6.500V20H4zM13.5 13.500H20V20h-6.500z",
  flip: "M12 3v18M8.5 7 4 17h4.500zM15.5 7 20 17h-4.500z",
  reset: "M4.5 12a7.5 7.5 0 1 0 2.5-5.600M4.5 4v4.500H9",
  camera: "M3 7.500h12.500v10H3zM15.5 11l5.5-3v9l-5.5-3z",
  play: "M8 5l11 7-11 7z",
  stop: "M7 7h10v10H7z",
  pen: "M4 20l1-4.500L16.5 4 20 7.5 8.5 19zM14.5 6l3.5 3.5",
  brush: "M14 13 20.5 4 12 11M14 13a2.8 2.8 0 0 0-2-2c-4 0-3 5.5-8 6.5 2 2.5 9.5 3.5 10-4.500Z",
  eraser: "M8.5 20 3.5 15 14 4.500l6 6L10.5 20zM8.8 9.700l6 6M10.5 20H20",
  photo: "M4 5h16v14H4zM4 16l5-5 4 4 2.5-2.500L20 17M15.5 9.500h.01",
  face: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM9 10h.01M15 10h.01M8.5 14.500c2 2 5 2 7 0",
  keys: "M3 7h18v10H3zM6.5 10.500h.01M10 10.500h.01M14 10.500h.01M17.5 10.500h.01M8 13.800h8",
  bin: "M5 7h14M10 4h4M7 7l1 13h8l1-13M10.5 11v5.500M13.5 11v5.5",
  pin: "M12 21v-7M8 4h8l-1 6 2.5 4h-11L9 10z",
  point: "M12 9.500a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5ZM12 3v3M12 18v3M3 12h3M18 12h3",
  part: "M3 12c3-4.5 6-6 9-6s6 1.5 9 6c-3 4.5-6 6-9 6s-6-1.5-9-6ZM12 9.500a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z",
  whole: "M12 3c4.5 0 7 3 7 7.500S16 21 12 21s-7-6-7-10.500S7.5 3 12 3Z",
  nose: "M12.500 4c.3 5-3.800 7.500-3.800 11 0 2 1.500 2.800 3.300 2.800s3.500-.800 3.500-2.500",
  mouth: "M3.500 12c2.500-3 4.800-4.200 6.300-4.200.8 0 1.400.8 2.200.8s1.400-.8 2.200-.8c1.500 0 3.800 1.200 6.300 4.200-2.300 3.500-5.200 5-8.500 5s-6.200-1.500-8.500-5ZM3.500 12h17",
  jaw: "M4.500 5c0 8.500 2.500 14 7.500 14s7.500-5.500 7.500-14",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.500 20.500c.8-4 3.700-5.500 7.500-5.500s6.700 1.500 7.500 5.500",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
};

/** A line icon that says nothing to a screen reader. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.7", "stroke-linecap": "round",
    "stroke-linejoin": "round", "aria-hidden": "true",
  })) svg.setAttribute(key, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  if (name === "more") path.setAttribute("stroke-width", "3"); // it is dots alone
  svg.append(path);
  return svg;
}

/** A button with a word, an icon, or both. `title` is its name where it has no word. */
export function button(word, { icon: sign, kind = "", title, ...rest } = {}, run) {
  const bare = !word;
  return h("button", {
    type: "button", class: `button ${kind} ${bare ? "icon" : ""}`.trim(), "aria-label": bare ? title : undefined, title, onclick: run, ...rest,
  }, sign && icon(sign), word);
}

let count = 0;
export const unique = (word) => `${word}-${(count += 1)}`;

/** A slider with its name and value; `change(value, gesture)`: the same gesture is one step of undo. */
export function slider(word, { min, max, step, value, show = String, neutral }, change) {
  const id = unique("slider");
  let gesture = 0;
  const output = h("output", { for: id }, show(value));
  const input = h("input", {
    id, type: "range", min: String(min), max: String(max), step: String(step),
    onpointerdown: () => { gesture += 1; },
    onkeydown: () => { gesture += 1; },
    oninput: () => { output.textContent = show(Number(input.value)); change(Number(input.value), `${id}:${gesture}`); },
    ondblclick: () => { if (neutral !== undefined) { gesture += 1; change(neutral, `${id}:${gesture}`); made.set(neutral); } },
  });
  input.value = String(value);
  input.setAttribute("aria-valuetext", show(value));
  const made = h("div", { class: "slider" }, h("label", { for: id }, word), output, input);
  made.set = (now) => {
    if (Number(input.value) !== now) input.value = String(now);
    output.textContent = show(now);
    input.setAttribute("aria-valuetext", show(now));
  };
  made.disable = (off) => { input.disabled = off; };
  return made;
}

/** A row of choices of which one holds: `choices` are [value, word, icon?]. */
export function segments(name, choices, value, change) {
  const buttons = choices.map(([key, word, sign]) => h("button", {
    type: "button", role: "radio", "data-value": key, "aria-label": word, title: word,
    onclick: () => { made.set(key); change(key); },
  }, sign && icon(sign), sign && choices.length > 3 ? null : word));
  const made = h("div", {
    class: "segments", role: "radiogroup", "aria-label": name,
    onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
      buttons[at].focus();
      buttons[at].click();
    },
  }, buttons);
  made.set = (now) => buttons.forEach((one) => {
    const on = one.dataset.value === String(now);
    one.setAttribute("aria-checked", String(on));
    one.tabIndex = on ? 0 : -1;
  });
  made.set(value);
  if (!buttons.some((one) => one.tabIndex === 0)) buttons[0].tabIndex = 0;
  return made;
}

export function select(word, choices, value, change, hidden = false) {
  const id = unique("select");
  const box = h("select", { id, onchange: () => change(box.value) });
  const made = h("div", { class: "field" }, h("label", { for: id, class: hidden ? "unseen" : "" }, word), box);
  made.fill = (some, now) => {
    box.replaceChildren(...some.map(([key, text]) => h("option", { value: key }, text)));
    box.value = now;
  };
  made.set = (now) => { box.value = now; };
  made.fill(choices, value);
  return made;
}

export function check(word, value, change) {
  const box = h("input", { type: "checkbox", onchange: () => change(box.checked) });
  box.checked = value;
  const made = h("label", { class: "check" }, box, h("span", {}, word));
  made.set = (now) => { box.checked = now; };
  return made;
}

/** A titled group of controls. */
export const group = (title, ...children) => h("section", { class: "group" }, h("header", {}, h("h2", {}, title)), children);

/** Tell a screen reader. */
export function say(text) {
  const place = document.getElementById("said");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

/** A short message at the top of the page, over which clicks go through. */
export function toast(text, bad = false) {
  const made = h("div", { class: `toast ${bad ? "bad" : ""}`, role: bad ? "alert" : "status" }, text);
  document.getElementById("toasts").append(made);
  setTimeout(() => made.remove(), bad ? 7000 : 3200);
}

/** A dialog that gives focus back to where it came from. */
export function dialog(title, body, wide = false) {
  const made = h("dialog", { class: wide ? "wide" : "", "aria-label": title },
    h("header", {}, h("h2", {}, title), button("", { icon: "close", kind: "quiet", title: "Close" }, () => made.close())),
    h("div", { class: "body" }, body));
  made.addEventListener("close", () => made.remove());
  made.addEventListener("click", (event) => { if (event.target === made) made.close(); });
  document.body.append(made);
  made.showModal();
  return made;
}

/** A question before something is lost: `choices` are [word, options of its button, run]; Escape and Cancel choose none. The main one has the focus, else Cancel. */
export function ask(title, words, choices) {
  const box = dialog(title, [h("p", {}, words), h("div", { class: "row" },
    choices.map(([word, look, run]) => button(word, look, () => { box.close(); run(); })), button("Cancel", {}, () => box.close()))]);
  (box.querySelector(".body .main") ?? box.querySelector(".body button:last-child")).focus();
  return box;
}

/** A button that opens a list of commands: [word, icon, run, disabled?] or null for a rule. */
export function menu(word, sign, entries, { up = false, kind = "", title } = {}) {
  const opener = button(word, { icon: sign, kind, title: title ?? word, "aria-haspopup": "menu", "aria-expanded": "false" }, () => toggle());
  const sheet = h("div", { class: "sheet", role: "menu", hidden: true });
  const made = h("div", { class: `menu ${up ? "up" : ""}` }, opener, sheet);
  const close = (back = true) => {
    if (sheet.hidden) return;
    sheet.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    if (back) opener.focus();
  };
  const outside = (event) => { if (!made.contains(event.target)) close(false); };
  const toggle = () => {
    if (!sheet.hidden) return close();
    sheet.replaceChildren(...entries().map((entry) => entry === null ? h("hr", { role: "separator" }) : h("button", {
      type: "button", role: "menuitem", disabled: Boolean(entry[3]), onclick: () => { close(); entry[2](); },
    }, icon(entry[1]), entry[0])));
    sheet.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside, true);
    sheet.querySelector("button:not(:disabled)")?.focus();
  };
  made.addEventListener("keydown", (event) => {
    if (sheet.hidden) return;
    const items = [...sheet.querySelectorAll("button:not(:disabled)")];
    const at = items.indexOf(document.activeElement);
    if (event.key === "Escape") { event.stopPropagation(); close(); }
    else if (event.key === "ArrowDown") { event.preventDefault(); items[(at + 1) % items.length].focus(); }
    else if (event.key === "ArrowUp") { event.preventDefault(); items[(at - 1 + items.length) % items.length].focus(); }
    else if (event.key === "Tab") close(false);
  });
  return made;
}

/** A place to drop files on, which is a button too. */
export function dropzone(title, words, accept, take, multiple = true) {
  const input = h("input", { type: "file", accept, multiple, hidden: true, onchange: () => { take([...input.files]); input.value = ""; } });
  const zone = h("button", { type: "button", class: "dropzone", onclick: () => input.click() }, h("strong", {}, title), h("span", {}, words));
  dropsOn(zone, take);
  const made = h("div", {}, zone, input);
  return made;
}

/** Files dropped on an element go to `take`. */
export function dropsOn(element, take) {
  element.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    element.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    take([...event.dataTransfer.files]);
  });
}

/**
 * A tile that a pointer carries somewhere: `aim(element)` gives the place that an element under the pointer belongs to, or null;
 * `drop(place)` is called there. `tile.dragged` is true until the click that ends it is over.
 */
export function carried(tile, src, aim, drop) {
  tile.addEventListener("dragstart", (event) => event.preventDefault());
  tile.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const from = [event.clientX, event.clientY];
    tile.dragged = false;
    let ghost = null;
    let place = null;
    const over = (next) => {
      place?.classList.remove("over");
      place = next;
      place?.classList.add("over");
    };
    const move = (now) => {
      if (!ghost && Math.hypot(now.clientX - from[0], now.clientY - from[1]) > 8) {
        ghost = h("img", { class: "ghost", src, alt: "" });
        document.body.append(ghost);
        tile.dragged = true;
      }
      if (!ghost) return;
      ghost.style.left = `${now.clientX}px`;
      ghost.style.top = `${now.clientY}px`;
      over(aim(document.elementFromPoint(now.clientX, now.clientY)));
    };
    const end = (now) => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
      const there = place;
      over(null);
      ghost?.remove();
      if (ghost && now.type === "pointerup" && there) drop(there);
      setTimeout(() => { tile.dragged = false; });
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  });
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { class: "unseen" });
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast("Copied");
}

/** Let the browser save a file. */
export function download(href, name) {
  const link = h("a", { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}
