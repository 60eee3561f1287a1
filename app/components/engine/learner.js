// A model in the plane that learns in this tab: feeds a step's graph with its state and with what a step draws. All
// mathematics of models and of Adam is in the graphs (ali_core/lab/graphs.py).
import { normal, uniform, whole } from "./chance.js";
import { runtime, session } from "./runtime.js";

const ARRAYS = { F32: Float32Array, I32: Int32Array, I64: BigInt64Array, U8: Uint8Array };
const PARTS = ["weights", "mean", "square"], MEASURED = ["mse", "modes", "good"];
const TURNS = { both: () => true, discriminator: (who) => who === "discriminator", generator: (who) => who !== "discriminator" };
const graphs = new Map(); // address: a promise of its session; models share them

function graph(address) {
  if (!graphs.has(address)) graphs.set(address, session(address).catch((error) => (graphs.delete(address), Promise.reject(error))));
  return graphs.get(address);
}

// A file of safetensors: -> what its metadata say, and {name: {data, dims}}
export function unpacked(buffer) {
  const size = Number(new DataView(buffer).getBigUint64(0, true));
  const { __metadata__: said = {}, ...entries } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(entries)) {
    tensors[name] = { data: new ARRAYS[dtype](buffer.slice(8 + size + from, 8 + size + to)), dims: shape };
  }
  return [said.about ? JSON.parse(said.about) : {}, tensors];
}

async function fetched(address) {
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok) throw new Error((answer && (await answer.text().catch(() => ""))) || "The server does not answer; try again.");
  return unpacked(await answer.arrayBuffer());
}

// A sentence for the reader: training cannot go on.
export class Stop extends Error {}

export class Learner {
  // The model of a pack; where its graphs, its data and its further parts are stands in it, seen from `home`.
  // given: numbers in the place of the pack's, by the graphs' names: rates, and weights of terms
  static async open(pack, home, given = {}) {
    const [[about, tensors], ort] = await Promise.all([fetched(pack), runtime()]);
    const [step, frame, [, table], ...parts] = await Promise.all([
      graph(new URL(`graphs/${about.graphs.step}`, home).href),
      graph(new URL(`graphs/${about.graphs.frame}`, home).href),
      fetched(new URL(`points/${about.points}`, home)),
      ...about.parts.map((name) => fetched(new URL(`parts/${name}`, home))),
    ]);
    for (const [, more] of parts) Object.assign(tensors, more);
    for (const [name, value] of Object.entries(given)) if (name in tensors) tensors[name].data = Float32Array.of(value);
    return new Learner(ort, about, tensors, step, frame, table);
  }

  constructor(ort, about, tensors, step, frame, table) {
    Object.assign(this, { ort, about, graph: { step, frame }, table });
    this.labelled = tensors.labelled?.data;
    this.scene = { kind: "scene", ...about.scene, arrays: {} };
    this.fixed = {};
    for (const [name, { data, dims }] of Object.entries(tensors)) {
      if (name.startsWith("panel ")) this.scene.arrays[name.slice(6)] = data;
      else if (name !== "labelled") this.fixed[name] = this.tensor(data, dims);
    }
    this.reset();
  }

  tensor(data, dims) {
    const type = { Float32Array: "float32", Int32Array: "int32", BigInt64Array: "int64", Uint8Array: "uint8" };
    return new this.ort.Tensor(type[data.constructor.name], data, dims);
  }

  // Back to the start.
  reset() {
    this.step = 0;
    this.average = NaN; // of what D pays in its matches
    this.losses = {};
    this.state = {};
    this.steps = {};
    for (const who of this.about.players) {
      this.steps[who] = 0;
      const start = this.fixed[`${who} weights`];
      const zeros = () => this.tensor(new Float32Array(start.data.length), start.dims);
      for (const part of PARTS) this.state[`${who} ${part}`] = part === "weights" ? start : zeros();
    }
  }

  // What step `step` draws, of what its graph asks for.
  drawn(names) {
    const { about, table, labelled, step } = this, { seed, rows } = about, found = {}, places = {};
    const row = (draw) => (places[draw.kind] ||= draw.kind === "row"
      ? whole(seed, step, draw.stream, draw.shape[0], rows)
      : Int32Array.from(uniform(seed, step, draw.stream, draw.shape[0]), (u) => labelled[Math.floor(Math.fround(u * labelled.length))]));
    for (const name of names) {
      const draw = about.draws[name];
      if (!draw) continue;
      const n = draw.shape.reduce((a, b) => a * b, 1);
      if (draw.kind === "normal") found[name] = this.tensor(normal(seed, step, draw.stream, n), draw.shape);
      else if (draw.kind === "uniform") found[name] = this.tensor(uniform(seed, step, draw.stream, n), draw.shape);
      else {
        const of = table[draw.of].data, wide = n / draw.shape[0], data = new of.constructor(n), chosen = row(draw);
        for (let i = 0; i < n; i++) data[i] = of[wide * chosen[Math.floor(i / wide)] + (i % wide)];
        found[name] = this.tensor(data, draw.shape);
      }
    }
    return found;
  }

  async run(kind, more) {
    const ready = this.graph[kind], feeds = {};
    for (const name of ready.inputNames) feeds[name] = this.state[name] ?? more[name] ?? this.fixed[name];
    return ready.run(feeds);
  }

  // A step of both players, or of one: "both", "discriminator", "generator". Throws a Stop where it cannot go on.
  async advance(turn = "both") {
    const { about, steps } = this;
    if (this.step >= about.steps) throw new Stop(`${about.steps.toLocaleString("en")} steps are the most of a live run; Reset begins again.`);
    const more = this.drawn(this.graph.step.inputNames);
    for (const who of about.players) more[`${who} steps`] = this.tensor(Float32Array.of(steps[who]), []);
    const made = await this.run("step", more);
    const losses = named(made, "losses");
    if (!Object.values(losses).every(Number.isFinite)) {
      const values = Object.entries(losses).map(([name, value]) => `${name} ${value}`).join(", ");
      throw new Stop(`Step ${this.step + 1}: a loss is not finite (${values}). Try a smaller lr. Reset begins again.`);
    }
    for (const who of about.players.filter(TURNS[turn])) {
      if (!(`${who} weights'` in made)) continue; // nothing is asked of it
      steps[who]++;
      for (const part of PARTS) this.state[`${who} ${part}`] = made[`${who} ${part}'`];
    }
    this.losses = losses;
    this.step++;
    if (made.matched) this.watch(made.matched.data[0]);
  }

  // As training on the server: D has won where it pays too little for too long.
  watch(value) {
    const { won } = this.about;
    this.average = Number.isNaN(this.average) ? value : this.average + (value - this.average) / 500;
    if (this.average >= won) return;
    throw new Stop(
      `Step ${this.step}: the discriminator has won (its loss in the match averages ${this.average.toFixed(3)}): encoder and ` +
      "decoder no longer learn. Try a smaller lr_discriminator, or another seed. Reset begins again.",
    );
  }

  // What the panels show now, as a frame of packs.py is read.
  async frame(turn = "both") {
    const made = await this.run("frame", {}), numbers = named(made, "numbers"), arrays = {};
    for (const [name, { data }] of Object.entries(made)) {
      if (name.includes("|") || (name.startsWith("pull") && !data.some((v) => v))) continue;
      arrays[name] = data;
    }
    const measured = Object.fromEntries(MEASURED.map((name) => [name, numbers[name]]));
    for (const name of MEASURED) delete numbers[name];
    if (!this.scene.modes) measured.modes = measured.good = null;
    return { kind: "frame", step: this.step, turn, losses: { ...this.losses }, constraints: finite(numbers), ...measured, arrays };
  }
}

// The numbers of the vector whose name says what they are.
function named(made, kind) {
  const name = Object.keys(made).find((one) => one.startsWith(`${kind}|`));
  return Object.fromEntries(name.split("|").slice(1).map((what, i) => [what, made[name].data[i]]));
}

const finite = (numbers) => Object.fromEntries(Object.entries(numbers).map(([k, v]) => [k, Number.isFinite(v) ? v : null]));
