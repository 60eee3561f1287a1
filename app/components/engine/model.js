// A checkpoint's networks in this tab: open(name), then encode and decode. No mathematics here: tensors go in and out.
import { load, run } from "./engine.js";

const HOME = new URL("graphs/", import.meta.url), LOOK = 400; // ms between two looks at graphs that are being made
const opened = new Map(); // name: a promise of its Model
const listeners = new Map();

// -> a Model. told(share, says) hears how far the graphs are, where they are still being made on the server.
export function open(name, told = () => {}) {
  if (!listeners.has(name)) listeners.set(name, new Set());
  listeners.get(name).add(told);
  if (!opened.has(name)) {
    opened.set(name, make(name, (...words) => listeners.get(name).forEach((one) => one(...words))));
    opened.get(name).catch(() => opened.delete(name)); // the next one tries again
  }
  return opened.get(name).finally(() => listeners.get(name).delete(told));
}

async function make(name, told) {
  const home = new URL(`${encodeURIComponent(name)}/`, HOME);
  for (;;) {
    const answer = await fetch(new URL("about.json", home), { cache: "no-cache" }).catch(() => null);
    const about = await answer?.json().catch(() => null);
    if (!about) throw new Error("The server does not answer.");
    if (about.state === "off") throw new Error(about.says);
    if (about.state === "ready") return new Model(about, home);
    told(about.share, about.says);
    await new Promise((done) => setTimeout(done, LOOK));
  }
}

class Model {
  constructor(about, home) {
    Object.assign(this, about); // name, shape, latent, classes, nets
    this.home = home;
    this.ready = {};
    this.asked = { encoder: 0, decoder: 0 }; // examples, for whoever counts
  }

  async net(which) {
    const { file, sha256 } = this.nets[which], url = new URL(file, this.home).href;
    await (this.ready[which] ||= load(url, sha256).catch((error) => { delete this.ready[which]; throw error; }));
    return url;
  }

  // Codes (Float32Array of n * latent), and of a conditional model y (n * k, see hot) -> pictures, n * h * w * c, 0 to 1
  async decode(z, n = 1, y = null) {
    const url = await this.net("decoder"), tensors = { z: { data: z, dims: [n, this.latent] } };
    if (this.classes.length) tensors.y = { data: y, dims: [n, y.length / n] };
    this.asked.decoder += n;
    return (await run(url, tensors)).x.data;
  }

  // Pictures -> {mean, sd}, Float32Arrays of n * latent
  async encode(x, n = 1, y = null) {
    const url = await this.net("encoder"), tensors = { x: { data: x, dims: [n, ...this.shape] } };
    if (this.classes.length) tensors.y = { data: y, dims: [n, y.length / n] };
    this.asked.encoder += n;
    const { mean, sd } = await run(url, tensors);
    return { mean: mean.data, sd: sd.data };
  }

  // Classes (a number a factor), n times, as the networks take them; null for a model that is not told any
  hot(labels, n = 1) {
    if (!this.classes.length) return null;
    const one = this.classes.flatMap((size, i) => Array.from({ length: size }, (_, k) => +(k === labels[i])));
    return Float32Array.from({ length: n * one.length }, (_, i) => one[i % one.length]);
  }
}

// One of n pictures as ImageData
export function image(pictures, [h, w, c], at = 0) {
  const made = new ImageData(w, h), from = at * h * w * c;
  for (let i = 0; i < h * w; i++) {
    for (let k = 0; k < 3; k++) made.data[4 * i + k] = Math.round(255 * pictures[from + i * c + (c > 1 ? k : 0)]);
    made.data[4 * i + 3] = 255;
  }
  return made;
}
