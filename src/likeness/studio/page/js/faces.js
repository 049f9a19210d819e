// The 68 landmarks: their groups, and the changes of likeness.faces.moves and likeness.faces.solid. A test holds both to the same numbers.

export const COUNT = 68;
export const GROUPS = {
  jaw: range(0, 17),
  left_brow: range(17, 22),
  right_brow: range(22, 27),
  nose: range(27, 36),
  left_eye: range(36, 42),
  right_eye: range(42, 48),
  outer_lips: range(48, 60),
  inner_lips: range(60, 68),
};
export const MIRROR = [16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65];
export const PARTS = {"jaw": ["jaw"], "left_brow": ["left_brow"], "right_brow": ["right_brow"], "brows": ["left_brow", "right_brow"], "nose": ["nose"], "left_eye": ["left_eye"], "right_eye": ["right_eye"], "eyes": ["left_eye", "right_eye"], "mouth": ["outer_lips", "inner_lips"]};
const SOLID = [
  [-1.177, -0.586, 1.143], [-1.166, -0.278, 1.086], [-1.137, 0.029, 1.057], [-1.082, 0.331, 1.003],
  [-0.974, 0.616, 0.856], [-0.797, 0.866, 0.634], [-0.567, 1.073, 0.373], [-0.303, 1.238, 0.116],
  [0.0, 1.286, 0.03], [0.303, 1.238, 0.116], [0.567, 1.073, 0.373], [0.797, 0.866, 0.634],
  [0.974, 0.616, 0.856], [1.082, 0.331, 1.003], [1.137, 0.029, 1.057], [1.166, -0.278, 1.086],
  [1.177, -0.586, 1.143], [-0.926, -0.812, 0.187], [-0.789, -0.946, -0.024], [-0.591, -0.991, -0.199],
  [-0.383, -0.967, -0.336], [-0.187, -0.891, -0.43], [0.187, -0.891, -0.43], [0.383, -0.967, -0.336],
  [0.591, -0.991, -0.199], [0.789, -0.946, -0.024], [0.926, -0.812, 0.187], [0.0, -0.667, -0.436],
  [0.0, -0.475, -0.568], [0.0, -0.283, -0.714], [0.0, -0.084, -0.854], [-0.231, 0.059, -0.437],
  [-0.121, 0.101, -0.518], [0.0, 0.137, -0.57], [0.121, 0.101, -0.518], [0.231, 0.059, -0.437],
  [-0.69, -0.62, 0.034], [-0.57, -0.689, -0.067], [-0.427, -0.689, -0.097], [-0.301, -0.604, -0.076],
  [-0.436, -0.578, -0.082], [-0.575, -0.577, -0.054], [0.301, -0.604, -0.077], [0.427, -0.689, -0.097],
  [0.57, -0.689, -0.067], [0.69, -0.62, 0.034], [0.575, -0.577, -0.054], [0.436, -0.578, -0.082],
  [-0.451, 0.463, 0.029], [-0.288, 0.38, -0.254], [-0.123, 0.344, -0.412], [0.0, 0.371, -0.441],
  [0.123, 0.344, -0.412], [0.288, 0.38, -0.254], [0.451, 0.463, 0.029], [0.295, 0.616, -0.175],
  [0.132, 0.681, -0.32], [-0.0, 0.694, -0.347], [-0.132, 0.681, -0.32], [-0.295, 0.616, -0.175],
  [-0.38, 0.467, -0.014], [-0.124, 0.437, -0.372], [0.0, 0.448, -0.405], [0.124, 0.437, -0.372],
  [0.38, 0.467, -0.014], [0.127, 0.537, -0.321], [-0.0, 0.551, -0.352], [-0.127, 0.537, -0.321],
];
const LIDS = {"left_eye": [[37, 41], [38, 40]], "right_eye": [[43, 47], [44, 46]]};
const LOWER_LIPS = [55, 56, 57, 58, 59, 65, 66, 67];
const INNER = [[61, 67], [62, 66], [63, 65]];
const CHIN = {"4": 0.35, "5": 0.6, "6": 0.85, "7": 1.0, "8": 1.0, "9": 1.0, "10": 0.85, "11": 0.6, "12": 0.35};

function range(from, to) { return Array.from({ length: to - from }, (_, n) => from + n); }

const mean = (points, which) => {
  const sum = which.reduce(([x, y], i) => [x + points[i][0], y + points[i][1]], [0, 0]);
  return [sum[0] / which.length, sum[1] / which.length];
};

export const indices = (part) => PARTS[part].flatMap((name) => GROUPS[name]);

export function eyeDistance(points) {
  const [left, right] = [mean(points, GROUPS.left_eye), mean(points, GROUPS.right_eye)];
  return Math.hypot(right[0] - left[0], right[1] - left[1]);
}

export function mirrored(points, width) { return MIRROR.map((i) => [width - 1 - points[i][0], points[i][1]]); }

export function shifted(points, which, right, down) {
  const set = new Set(which);
  return points.map(([x, y], i) => (set.has(i) ? [x + right, y + down] : [x, y]));
}

export function scaled(points, which, factor) {
  const [x, y] = mean(points, which);
  const set = new Set(which);
  return points.map((point, i) => (set.has(i) ? [x + factor * (point[0] - x), y + factor * (point[1] - y)] : point));
}

export function openEyes(points, amount) {
  const moved = points.map((point) => [...point]);
  for (const name of ["left_eye", "right_eye"]) {
    const group = GROUPS[name];
    const start = points[group[0]];
    let along = [points[group[3]][0] - start[0], points[group[3]][1] - start[1]];
    const length = Math.max(Math.hypot(...along), 1e-6);
    along = along.map((value) => value / length);
    for (const i of LIDS[name].flat()) {
      const far = (points[i][0] - start[0]) * along[0] + (points[i][1] - start[1]) * along[1];
      const foot = [start[0] + along[0] * far, start[1] + along[1] * far];
      moved[i] = [0, 1].map((k) => foot[k] + amount * (points[i][k] - foot[k]));
    }
  }
  return moved;
}

function downwards(points) {
  const [left, right] = [mean(points, GROUPS.left_eye), mean(points, GROUPS.right_eye)];
  const length = Math.max(Math.hypot(right[0] - left[0], right[1] - left[1]), 1e-6);
  return [-(right[1] - left[1]) / length, (right[0] - left[0]) / length];
}

/** How far the lips are apart in the middle, in eye distances. */
export function gap(points) {
  const down = downwards(points);
  return ((points[66][0] - points[62][0]) * down[0] + (points[66][1] - points[62][1]) * down[1]) / eyeDistance(points);
}

export function openMouth(points, wanted) {
  const down = downwards(points);
  const change = (wanted - gap(points)) * eyeDistance(points);
  const moved = points.map((point) => [...point]);
  const lower = (i, share) => { moved[i] = [0, 1].map((k) => moved[i][k] + share * change * down[k]); };
  LOWER_LIPS.forEach((i) => lower(i, 1));
  Object.entries(CHIN).forEach(([i, share]) => lower(Number(i), share));
  if (wanted === 0) INNER.forEach(([upper, below]) => { moved[below] = [...moved[upper]]; });
  return moved;
}

export function rotation(yaw, pitch, roll) {
  const [a, b, c] = [yaw, pitch, roll].map((degrees) => (degrees * Math.PI) / 180);
  const y = [[Math.cos(a), 0, -Math.sin(a)], [0, 1, 0], [Math.sin(a), 0, Math.cos(a)]];
  const x = [[1, 0, 0], [0, Math.cos(b), -Math.sin(b)], [0, Math.sin(b), Math.cos(b)]];
  const z = [[Math.cos(c), -Math.sin(c), 0], [Math.sin(c), Math.cos(c), 0], [0, 0, 1]];
  return times(times(z, y), x);
}

const times = (p, q) => p.map((row) => q[0].map((_, j) => row.reduce((sum, value, k) => sum + value * q[k][j], 0)));
const transposed = (m) => m[0].map((_, j) => m.map((row) => row[j]));

function inverse3(m) {
  const [[a, b, c], [d, e, f], [g, k, i]] = m;
  const [p, q, r] = [e * i - f * k, f * g - d * i, d * k - e * g];
  const whole = a * p + b * q + c * r;
  return [[p, c * k - b * i, b * f - c * e], [q, a * i - c * g, c * d - a * f], [r, b * g - a * k, a * e - b * d]]
    .map((row) => row.map((value) => value / whole));
}

const LEAST = (() => { const t = transposed(SOLID); return times(inverse3(times(t, SOLID)), t); })(); // 3 × 68: least squares

/** How a face stands: pixels an eye distance, the two rows of its rotation and the third, its middle. */
export function pose(points) {
  const middle = mean(points, range(0, COUNT));
  const view = transposed(times(LEAST, points.map(([x, y]) => [x - middle[0], y - middle[1]]))); // 2 × 3
  // view = left · sizes · right; the nearest rotation left · right is (view · viewᵀ)^(-1/2) · view, and the sizes' mean its trace
  const [[a, b], [, d]] = times(view, transposed(view));
  const det = Math.sqrt(Math.max(a * d - b * b, 1e-12)); // of the square root
  const trace = Math.sqrt(a + d + 2 * det); // of the square root: the sum of the sizes
  const root = [[(a + det) / trace, b / trace], [b / trace, (d + det) / trace]];
  const back = [[root[1][1] / det, -root[0][1] / det], [-root[1][0] / det, root[0][0] / det]];
  const two = times(back, view);
  const [u, v] = two;
  const three = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
  return { scale: trace / 2, middle, turn: [u, v, three] };
}

export function turned(points, yaw, pitch, roll) {
  const { scale, middle, turn } = pose(points);
  const by = rotation(yaw, pitch, roll);
  return points.map(([x, y], i) => {
    const depth = SOLID[i].reduce((sum, value, k) => sum + value * turn[2][k], 0);
    const there = [(x - middle[0]) / scale, (y - middle[1]) / scale, depth];
    return [0, 1].map((k) => by[k].reduce((sum, value, n) => sum + value * there[n], 0) * scale + middle[k]);
  });
}

/** Eyes, mouth, then the head: the changes of a bench in the order of the library. */
export function changed(points, { yaw = 0, pitch = 0, roll = 0, eyes = null, mouth = null } = {}) {
  let moved = points;
  if (eyes !== null) moved = openEyes(moved, eyes);
  if (mouth !== null) moved = openMouth(moved, mouth);
  return yaw || pitch || roll ? turned(moved, yaw, pitch, roll) : moved;
}

/** The face of nobody: the solid face seen from the front, in a framing. */
export function plain(framing) {
  const unit = framing.eye_distance * framing.size;
  const eyes = mean(SOLID, [...GROUPS.left_eye, ...GROUPS.right_eye]);
  return SOLID.map(([x, y]) => [
    round((x - eyes[0]) * unit + framing.size / 2 - 0.5), round((y - eyes[1]) * unit + framing.eye_height * framing.size - 0.5),
  ]);
}

const round = (value) => Math.round(value * 100) / 100;
export const rounded = (points) => points.map(([x, y]) => [round(x), round(y)]);
