// A drawing as a list of strokes, in eye distances from the point between the eyes, so that every framing can show it.
import { h } from "./dom.js";

/** Where a system's framing has the face on its paper, in pixels. ISEGAN's is CUFS's: 200 × 250 of 256 × 256. */
export function frameOf({ system, framing, size }) {
  const side = framing.size ?? size;
  const unit = framing.eye_distance * side;
  const high = framing.eye_height * side;
  if (system === "isegan" && side === 256) return { width: 200, height: 250, cx: 100, cy: high - 3, unit, fine: 1 };
  return { width: side, height: side, cx: side / 2, cy: high, unit, fine: side <= 128 ? 2 : 1 };
}

/** Where features stand, in eye distances from the point between the eyes. */
export const FEATURES = {
  eyes: [[-0.9, -0.24, -0.14, 0.24], [0.14, -0.24, 0.9, 0.24]],
  brows: [[-1.02, -0.6, -0.1, -0.22], [0.1, -0.6, 1.02, -0.22]],
  nose: [[-0.34, -0.1, 0.34, 0.88]],
  mouth: [[-0.66, 0.86, 0.66, 1.42]],
};

export class Paper {
  constructor(backend, loaded) {
    this.backend = backend;
    this.loaded = loaded;
    this.images = new Map();
    this.small = h("canvas");
  }

  frame(frame) {
    this.framing = frame;
    this.caches = new Map();
  }

  forget() { this.images.clear(); this.caches?.clear(); }

  /** A picture of the session, once it is here. */
  image(id) {
    const held = this.images.get(id);
    if (held === undefined) {
      this.images.set(id, null);
      const image = new Image();
      image.src = this.backend.pictureAddress(id);
      image.decode().then(() => { this.images.set(id, image); this.caches?.clear(); this.loaded(); this.onready?.(); }, () => this.images.delete(id));
    }
    return held || null;
  }

  ready(ops) { return ops.every((op) => op.t !== "i" || this.image(op.id)); }

  /** Draw on a canvas of any size. What stood before the last change is kept as a picture, so that long drawings stay quick. */
  render(context, width, height, ops, current) {
    const key = `${width}×${height}`;
    let cache = this.caches.get(key);
    const begins = cache && cache.ops.length <= ops.length && cache.ops.every((op, n) => op === ops[n]);
    if (!begins) {
      cache = { canvas: h("canvas", { width, height }), ops: [] };
      const inside = cache.canvas.getContext("2d");
      inside.fillStyle = "#fff";
      inside.fillRect(0, 0, width, height);
      this.caches.set(key, cache);
    }
    if (cache.ops.length < ops.length) {
      const inside = cache.canvas.getContext("2d");
      inside.setTransform(width / this.framing.width, 0, 0, height / this.framing.height, 0, 0);
      for (const op of ops.slice(cache.ops.length)) this.op(inside, op);
      inside.setTransform(1, 0, 0, 1, 0, 0);
      if (this.ready(ops)) cache.ops = ops;
      else this.caches.delete(key);
    }
    context.drawImage(cache.canvas, 0, 0);
    if (current && current.tool !== "class") {
      context.save();
      context.setTransform(width / this.framing.width, 0, 0, height / this.framing.height, 0, 0);
      this.op(context, current);
      context.restore();
    }
  }

  op(context, op) {
    const { cx, cy, unit } = this.framing;
    if (op.t === "i") {
      const image = this.image(op.id);
      if (!image) return;
      context.save();
      context.transform(unit, 0, 0, unit, cx, cy);
      context.transform(...op.m);
      context.imageSmoothingQuality = "high";
      context.drawImage(this.faded(op, image), 0, 0);
      context.restore();
    } else if (op.t === "e") {
      const [left, top, right, bottom] = op.box;
      context.fillStyle = `rgb(${op.tone ?? 255} ${op.tone ?? 255} ${op.tone ?? 255})`;
      context.beginPath();
      context.ellipse(cx + (unit * (left + right)) / 2, cy + (unit * (top + bottom)) / 2, (unit * (right - left)) / 2, (unit * (bottom - top)) / 2, 0, 0, 7);
      context.fill();
    } else {
      this.stroke(context, op, op.tool === "eraser" ? "#fff" : op.tool === "brush" ? "rgb(20 20 20 / 32%)" : "#141414");
    }
  }

  /** A picture whose sides go over into the paper where they lie on it: a hard edge would be drawn as one of the face's ground. */
  faded(op, image) {
    const { width: wide, height: high, cx, cy, unit } = this.framing;
    const [width, height] = [image.naturalWidth ?? image.width, image.naturalHeight ?? image.height];
    const [a, b, c, d, e, f] = op.m;
    const corners = [[0, 0], [width, 0], [0, height], [width, height]].map(([x, y]) => [(cx + unit * (a * x + c * y + e)) / wide, (cy + unit * (b * x + d * y + f)) / high]);
    const [xs, ys] = [0, 1].map((k) => corners.map((corner) => corner[k]));
    const inside = [Math.min(...xs) > 0.01, Math.max(...xs) < 0.99, Math.min(...ys) > 0.01, Math.max(...ys) < 0.99];
    if (!inside.includes(true)) return image;
    const made = h("canvas", { width, height });
    const context = made.getContext("2d");
    context.drawImage(image, 0, 0, width, height);
    context.globalCompositeOperation = "destination-in";
    for (const [first, last, x, y] of [[inside[0], inside[1], width, 0], [inside[2], inside[3], 0, height]]) {
      const ramp = context.createLinearGradient(0, 0, x, y);
      if (first) { ramp.addColorStop(0, "transparent"); ramp.addColorStop(0.02, "transparent"); }
      ramp.addColorStop(0.1, "#000");
      ramp.addColorStop(0.9, "#000");
      if (last) { ramp.addColorStop(0.98, "transparent"); ramp.addColorStop(1, "transparent"); }
      context.fillStyle = ramp;
      context.fillRect(0, 0, width, height);
    }
    return made;
  }

  stroke(context, { p, w, tool }, colour) {
    const { cx, cy, unit } = this.framing;
    const at = (i) => [cx + p[i] * unit, cy + p[i + 1] * unit];
    context.strokeStyle = context.fillStyle = colour;
    context.lineCap = context.lineJoin = "round";
    const wide = (pressure) => Math.max(w * unit * (tool === "pen" ? 0.3 + 1.4 * pressure : 1), 0.3);
    if (p.length === 3) {
      context.beginPath();
      context.arc(...at(0), wide(p[2]) / 2, 0, 7);
      context.fill();
    } else if (tool === "pen") {
      for (let i = 3; i < p.length; i += 3) {
        context.lineWidth = wide((p[i + 2] + p[i - 1]) / 2);
        context.beginPath();
        context.moveTo(...at(i - 3));
        context.lineTo(...at(i));
        context.stroke();
      }
    } else {
      context.lineWidth = wide(0.5);
      context.beginPath();
      context.moveTo(...at(0));
      for (let i = 3; i < p.length; i += 3) context.lineTo(...at(i));
      context.stroke();
    }
  }

  /** The drawing as the model is given it. */
  canvas(ops, current = null) {
    const { width, height, fine } = this.framing;
    const made = this.small;
    if (made.width !== width * fine || made.height !== height * fine) { made.width = width * fine; made.height = height * fine; }
    this.render(made.getContext("2d", { willReadFrequently: true }), made.width, made.height, ops, current);
    return made;
  }

  /** The median grey round a box's ellipse: what a feature is rubbed out with, as likeness.faces.effects.mutilate does. */
  tone(ops, [left, top, right, bottom]) {
    const { data, width, height } = this.grey(ops);
    const { cx, cy, unit, fine } = this.framing;
    const [x0, y0] = [fine * (cx + (unit * (left + right)) / 2), fine * (cy + (unit * (top + bottom)) / 2)];
    const [a, b] = [(fine * unit * (right - left)) / 2, (fine * unit * (bottom - top)) / 2];
    const found = [];
    for (let y = Math.max(Math.floor(y0 - 1.4 * b), 0); y < Math.min(y0 + 1.4 * b, height); y += 1) {
      for (let x = Math.max(Math.floor(x0 - 1.4 * a), 0); x < Math.min(x0 + 1.4 * a, width); x += 1) {
        const away = Math.hypot((x + 0.5 - x0) / a, (y + 0.5 - y0) / b);
        if (away > 1 && away < 1.35) found.push(data[y * width + x]);
      }
    }
    return found.length ? found.sort((one, other) => one - other)[found.length >> 1] : 255;
  }

  grey(ops, current) {
    const { width, height } = this.canvas(ops, current);
    const { data } = this.small.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, width, height);
    const grey = new Uint8Array(width * height);
    for (let i = 0; i < grey.length; i += 1) grey[i] = (77 * data[4 * i] + 150 * data[4 * i + 1] + 29 * data[4 * i + 2] + 128) >> 8;
    return { data: grey, width, height };
  }
}

/** From a picture's pixels to eye distances from between the eyes: a, b, c, d, e, f of a canvas. */
export function byEyes(points) {
  const mid = (from) => points.slice(from, from + 6).reduce(([x, y], p) => [x + p[0] / 6, y + p[1] / 6], [0.5, 0.5]);
  const [left, right] = [mid(36), mid(42)];
  const [x, y] = [right[0] - left[0], right[1] - left[1]];
  const square = x * x + y * y;
  const [a, b] = [x / square, -y / square];
  const middle = [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2];
  return [a, b, -b, a, -(a * middle[0] - b * middle[1]), -(b * middle[0] + a * middle[1])];
}
