// A map's codes in this tab: a place becomes a code and a code a place, as ali_core/maps/atlas.py has it.
const HOME = new URL("graphs/", import.meta.url), NEIGHBOURS = 8;
const fetched = new Map();

// -> a promise of a checkpoint's Codes
export function codes(name) {
  if (!fetched.has(name)) {
    fetched.set(name, get(name));
    fetched.get(name).catch(() => fetched.delete(name));
  }
  return fetched.get(name);
}

async function get(name) {
  const answer = await fetch(new URL(`${encodeURIComponent(name)}/codes.bin`, HOME), { cache: "no-cache" }).catch(() => null);
  if (!answer?.ok) throw new Error((answer && (await answer.text())) || "The map's codes cannot be fetched.");
  return new Codes(await answer.arrayBuffer());
}

class Codes {
  constructor(buffer) {
    const size = new DataView(buffer).getUint32(0, true);
    Object.assign(this, JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)))); // n, d, k, typical, …
    let at = Math.ceil((4 + size) / 8) * 8;
    const take = (kind, count) => {
      const found = new kind(buffer, at, count);
      at += Math.ceil(found.byteLength / 8) * 8;
      return found;
    };
    const { n, d, k } = this;
    this.z = wide(take(Uint16Array, n * d));
    this.umap = take(Float32Array, 2 * n);
    this.pca = take(Float32Array, 2 * n);
    this.labels = take(Uint16Array, n * k);
    this.axes = take(Float32Array, 2 * d);
    this.middle = take(Float32Array, d);
  }

  // The nearest rows of points (n, width) to one: their numbers and distances, nearest first
  nearest(points, width, asked, count) {
    const found = new Int32Array(count).fill(-1), squares = new Float64Array(count).fill(Infinity);
    for (let i = 0; i < this.n; i++) {
      let square = 0;
      for (let j = 0, at = i * width; j < width && square < squares[count - 1]; j++, at++) {
        square += (points[at] - asked[j]) ** 2;
      }
      let place = count - 1;
      if (!(square < squares[place])) continue;
      for (; place > 0 && squares[place - 1] > square; place--) {
        squares[place] = squares[place - 1];
        found[place] = found[place - 1];
      }
      squares[place] = square;
      found[place] = i;
    }
    return { found, distances: squares.map(Math.sqrt) };
  }

  // A place of a view, "umap" or "pca", as a code blended from its nearest points.
  // -> z; near: their numbers; ratio: how far the data are, 1 for a typical point; apart: how far the blended codes lie
  // from their mean, 1 for typical neighbours
  lift(x, y, view) {
    const { d, typical } = this, count = Math.max(NEIGHBOURS, typical.k);
    const { found, distances } = this.nearest(this[view], 2, [x, y], count);
    const near = found.subarray(0, NEIGHBOURS), shares = weights(distances.subarray(0, NEIGHBOURS), typical[view]);
    const mean = new Float64Array(d);
    let norm = 0, spread = 0;
    near.forEach((id, i) => {
      let square = 0;
      for (let j = 0; j < d; j++) {
        mean[j] += shares[i] * this.z[id * d + j];
        square += this.z[id * d + j] ** 2;
      }
      norm += shares[i] * Math.sqrt(square);
    });
    near.forEach((id, i) => {
      for (let j = 0; j < d; j++) spread += shares[i] * (this.z[id * d + j] - mean[j]) ** 2;
    });
    // a mean of codes is shorter than codes are, and decodes to something washed out
    const long = norm / Math.max(Math.hypot(...mean), 1e-6);
    const ratio = distances[typical.k - 1] / typical[view];
    return { z: Float32Array.from(mean, (v) => v * long), near, ratio, apart: Math.sqrt(spread) / typical.z };
  }

  // Where a code stands on a view
  place(z, view) {
    if (view === "pca") {
      return [0, 1].map((k) => z.reduce((sum, v, j) => sum + (v - this.middle[j]) * this.axes[2 * j + k], 0));
    }
    const { found, distances } = this.nearest(this.z, this.d, z, NEIGHBOURS), shares = weights(distances, this.typical.z);
    const at = (id) => [this.umap[2 * id], this.umap[2 * id + 1]];
    let [x, y] = [0, 0];
    found.forEach((id, i) => { x += shares[i] * at(id)[0]; y += shares[i] * at(id)[1]; });
    for (let turn = 0; turn < 32; turn++) { // Weiszfeld's iteration
      let [sum, right, up] = [0, 0, 0];
      found.forEach((id, i) => {
        const pull = shares[i] / Math.max(Math.hypot(at(id)[0] - x, at(id)[1] - y), 1e-6);
        sum += pull;
        right += pull * at(id)[0];
        up += pull * at(id)[1];
      });
      [x, y] = [right / sum, up / sum];
    }
    return [x, y];
  }

  // The commonest class of some points, a number a factor, and of the first one how many have it
  most(near) {
    const { k, labels } = this;
    const counts = Array.from({ length: k }, (_, factor) => {
      const count = new Map();
      for (const id of near) count.set(labels[id * k + factor], (count.get(labels[id * k + factor]) ?? 0) + 1);
      return [...count].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
    });
    return { labels: counts.map(([label]) => label), agree: counts[0][1] };
  }
}

// Inverse squares that sum to 1; at no distance one point has it all
function weights(distances, typical) {
  const inverse = Float64Array.from(distances, (far) => 1 / (far ** 2 + (1e-3 * typical) ** 2 + 1e-12));
  const sum = inverse.reduce((a, b) => a + b);
  return inverse.map((share) => share / sum);
}

// 16-bit floats as 32-bit ones
function wide(halves) {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, part = bits & 1023;
    table[bits] = sign * (exponent ? 2 ** (exponent - 15) * (1 + part / 1024) : 2 ** -14 * (part / 1024));
  }
  return Float32Array.from(halves, (bits) => table[bits]);
}
