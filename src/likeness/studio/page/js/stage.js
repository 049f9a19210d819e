// The canvas of a bench: a picture, what is laid over it, and the slider that compares it with what it was made from.
import { h } from "./dom.js";

export class Stage {
  /** `ratio` is width by height, `label` its name, `keys` the id of what tells its keys. */
  constructor({ label, ratio = 1, focus = true, describe }) {
    this.ratio = ratio;
    this.picture = h("canvas", { "aria-hidden": "true" });
    this.overlay = h("canvas", { "aria-hidden": "true" });
    this.chip = h("div", { class: "chip", hidden: true });
    this.element = h("div", {
      class: "stage", role: focus ? "application" : "img", "aria-label": label, tabindex: focus ? "0" : undefined, "aria-describedby": describe,
    }, this.picture, this.overlay, this.chip);
    this.bitmap = null;
    this.draw = null; // (context, scale in css pixels) lays over the picture
    new ResizeObserver(() => this.resized()).observe(this.element);
  }

  /** Make it as large as its board allows. */
  fit(width, height) {
    const wide = Math.max(Math.floor(Math.min(width, height * this.ratio)), 120);
    if (this.element.offsetWidth === wide && this.fitted === this.ratio) return;
    this.fitted = this.ratio;
    this.element.style.width = `${wide}px`;
    this.element.style.height = `${Math.round(wide / this.ratio)}px`;
  }

  resized() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width) return;
    this.width = width;
    this.height = height;
    const dense = Math.min(window.devicePixelRatio || 1, 2);
    for (const canvas of [this.picture, this.overlay]) {
      canvas.width = Math.round(width * dense);
      canvas.height = Math.round(height * dense);
    }
    this.dense = dense;
    this.repaint();
    this.relay();
  }

  paint(bitmap) {
    this.bitmap = bitmap;
    this.repaint();
  }

  repaint() {
    const context = this.picture.getContext("2d");
    context.clearRect(0, 0, this.picture.width, this.picture.height);
    if (!this.bitmap) return;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.bitmap, 0, 0, this.picture.width, this.picture.height);
    this.painted = performance.now();
  }

  /** Lay the overlay anew with the next frame. */
  relay() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      if (!this.dense) return;
      const context = this.overlay.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, this.overlay.width, this.overlay.height);
      if (!this.draw || this.comparing) return;
      context.scale(this.dense, this.dense);
      this.draw(context, this.width, this.height);
    });
  }

  /** Where a pointer is, in [0, 1] of the stage. */
  place(event) {
    const box = this.element.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  warn(text) {
    if (this.chip.textContent !== text) this.chip.textContent = text;
    this.chip.hidden = !text;
    if (text) this.element.dataset.state = "outside";
    else delete this.element.dataset.state;
  }

  /** Lay `before` (an element) over the left part, up to a slider. */
  compare(before, names) {
    this.endCompare();
    const slide = h("input", { type: "range", class: "slide", min: "0", max: "100", step: "1", "aria-label": `Show ${names[0]} on the left, ${names[1]} on the right` });
    const seam = h("div", { class: "seam" });
    const sheet = h("div", { class: "before" }, before);
    const move = () => {
      sheet.style.clipPath = `inset(0 ${100 - slide.value}% 0 0)`;
      seam.style.left = `${slide.value}%`;
    };
    slide.value = "50";
    slide.oninput = move;
    slide.onpointerdown = (event) => { slide.value = String(Math.round(this.place(event)[0] * 100)); move(); };
    this.comparing = [sheet, slide, seam, h("div", { class: "tag left" }, names[0]), h("div", { class: "tag right" }, names[1])];
    this.element.append(...this.comparing);
    move();
    this.relay();
    slide.focus({ preventScroll: true });
  }

  endCompare() {
    this.comparing?.forEach((one) => one.remove());
    this.comparing = null;
    this.relay();
  }
}
