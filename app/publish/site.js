// A published folder's page: the explorer's map, mirror, path and pad around the same scripts, without its server.
import { codes } from "./engine/codes.js";
import { image, open } from "./engine/model.js";
import { Mirror } from "./engine/mirror.js";
import { Pointer } from "./engine/pointer.js";

const STEPS = 25, GRID = 9, DEFAULTS = [2, 13, 0, 1], LETTERS = ["A", "B", "C", "D"];
const { colours, models, lab } = await (await fetch("models.json")).json();
const site = document.getElementById("site");
let about, model, known, kept, next, view; // view: what is to be closed when another one comes
let shown = 0; // views, so that one that comes late is noticed

function make(name, more = {}, ...children) {
  const made = Object.assign(document.createElement(name), more);
  made.append(...children);
  return made;
}

// ---- the frame ----

const nav = make("nav"), tray = make("div", { className: "tray" }), place = make("section");
// FREE: views that need no model
const FREE = lab ? { Lessons: "lessons", Lab: "lab" } : {};
const VIEWS = { Map: map, Mirror: mirror, Path: path, Pad: pad, Model: card };
const buttons = [...Object.keys(VIEWS), ...Object.keys(FREE)].map((name) => make("button", { type: "button", textContent: name, onclick: () => go(name) }));
nav.append(...buttons);
const picker = make("select", { ariaLabel: "Model", onchange: () => choose(picker.value) }, ...models.map(({ name }) => new Option(name)));
picker.hidden = models.length < 2;
site.replaceChildren(make("header", {}, make("h1", { textContent: "ALI explorer" }), picker, nav, tray), place);

let wanted = null; // the view that waits for the model

async function choose(name) {
  about = models.find((one) => one.name === name) ?? models[0];
  picker.value = about.name;
  document.title = about.title;
  [model, known, next] = [null, null, 0];
  const link = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const status = make("p", { className: "help", textContent: "The model comes into this tab …", role: "status" });
  const before = shown;
  place.replaceChildren(status);
  go(link.view, link);
  try {
    [model, known] = await Promise.all([open(about.name), codes(about.name)]);
    const { n, d, k } = known, ids = DEFAULTS.map((id) => id % n);
    kept = ids.map((id) => ({ z: known.z.slice(id * d, (id + 1) * d), y: [...known.labels.subarray(id * k, (id + 1) * k)] }));
    await show();
    if (wanted) go(wanted);
  } catch (error) {
    model = null;
    const left = lab ? "Lessons and the Lab's replays do without it." : "Nothing of this page works without it.";
    status.textContent = `${error.message} ${left}`;
    if (shown !== before) place.prepend(status);
  }
}

// link: what else the view is told, and the page's address says
async function go(name, link = {}) {
  const found = name in VIEWS || name in FREE ? name : "Map";
  wanted = model || found in FREE ? null : found;
  if (wanted) return;
  const turn = ++shown;
  view?.close();
  view = null;
  buttons.forEach((button) => button.setAttribute("aria-pressed", button.textContent === found));
  const said = { model: about.name, view: found, ...(link.lesson && found in FREE ? { lesson: link.lesson } : {}) };
  history.replaceState(null, "", `#${new URLSearchParams(said)}`);
  const inside = make("div");
  place.replaceChildren(inside);
  if (found in FREE) {
    const pages = await import("./site_lab.js"), page = await pages[FREE[found]](inside, link, go);
    if (turn === shown) view = page;
    else page.close();
  } else VIEWS[found]();
  site.dataset.view = found;
}

// The four kept codes, decoded
async function show() {
  const [h, w] = model.shape, scale = Math.max(1, Math.floor(56 / w));
  const told = kept.flatMap(({ y }) => [...(model.hot(y) ?? [])]), z = kept.flatMap((one) => [...one.z]);
  const pictures = await model.decode(Float32Array.from(z), kept.length, told.length ? Float32Array.from(told) : null);
  tray.replaceChildren(...kept.map((_, i) => {
    const canvas = make("canvas", { width: w, height: h, role: "img", ariaLabel: `kept picture ${LETTERS[i]}` });
    Object.assign(canvas.style, { width: `${w * scale}px`, height: `${h * scale}px` });
    canvas.getContext("2d").putImageData(image(pictures, model.shape, i), 0, 0);
    return make("figure", {}, canvas, LETTERS[i]);
  }));
}

async function keep(z, y) {
  kept[next] = { z, y };
  next = (next + 1) % kept.length;
  await show();
}

// ---- the views ----

function map() {
  const host = make("div", { className: "atlas" }), dots = make("canvas", { className: "gl-container" });
  const help = "The picture follows the pointer; a click keeps it as A, B, C or D. Wheel: closer. Arrow keys and Enter do the same.";
  const tools = make("div", { className: "tools" }), settings = { name: about.name, view: "umap", lattice: false, as: null };
  const lattice = make("button", { type: "button", textContent: "Lattice", ariaPressed: "false" });
  const home = make("button", { type: "button", textContent: "Whole map" });
  host.append(dots);
  tools.append(lattice, home);
  const legend = make("ul", { className: "legend" }, ...known.names.slice(0, 30).map((name, i) => {
    const dot = make("i");
    dot.style.background = colours[i % colours.length];
    return make("li", {}, dot, name);
  }));
  place.append(tools, host, legend, make("p", { className: "help", textContent: help }));
  const low = [0, 1].map((axis) => known.umap.reduce((least, v, i) => (i % 2 === axis ? Math.min(least, v) : least), Infinity));
  const high = [0, 1].map((axis) => known.umap.reduce((most, v, i) => (i % 2 === axis ? Math.max(most, v) : most), -Infinity));
  let [zoom, middle] = [1, low.map((v, axis) => (v + high[axis]) / 2)];
  const scale = () => zoom * 0.92 * Math.min(host.clientWidth / (high[0] - low[0]), host.clientHeight / (high[1] - low[1]));
  const pixel = (x, y) => [host.clientWidth / 2 + (x - middle[0]) * scale(), host.clientHeight / 2 - (y - middle[1]) * scale()];
  const data = (px, py) => [middle[0] + (px - host.clientWidth / 2) / scale(), middle[1] - (py - host.clientHeight / 2) / scale()];
  const draw = () => {
    const sharp = devicePixelRatio || 1, pen = dots.getContext("2d");
    Object.assign(dots, { width: host.clientWidth * sharp, height: host.clientHeight * sharp });
    pen.scale(sharp, sharp);
    pen.globalAlpha = 0.75;
    for (let i = 0; i < known.n; i++) {
      const [x, y] = pixel(known.umap[2 * i], known.umap[2 * i + 1]);
      pen.fillStyle = colours[known.labels[i * known.k] % colours.length];
      pen.beginPath();
      pen.arc(x, y, 2, 0, 7);
      pen.fill();
    }
  };
  const stage = {
    host, data, pixel,
    area: () => ({ left: 0, top: 0, width: host.clientWidth, height: host.clientHeight }),
    keep: (x, y) => {
      const { z, near } = known.lift(x, y, "umap");
      keep(z, known.most(near).labels);
    },
    wheel: (event) => {
      const box = host.getBoundingClientRect(), at = data(event.clientX - box.left, event.clientY - box.top);
      zoom = Math.min(Math.max(zoom * 1.0015 ** -event.deltaY, 1), 12);
      const now = data(event.clientX - box.left, event.clientY - box.top);
      middle = middle.map((one, axis) => one + at[axis] - now[axis]);
      lay();
    },
  };
  const pointer = new Pointer(stage);
  const lay = () => { draw(); pointer.lay(); };
  lattice.onclick = () => {
    settings.lattice = !settings.lattice;
    lattice.ariaPressed = String(settings.lattice);
    pointer.set({ ...settings });
  };
  home.onclick = () => { [zoom, middle] = [1, low.map((v, axis) => (v + high[axis]) / 2)]; lay(); };
  const size = new ResizeObserver(() => { draw(); if (pointer.settings) pointer.lay(); });
  pointer.set({ ...settings });
  size.observe(host);
  view = { close: () => { size.disconnect(); pointer.close(); } };
}

function mirror() {
  const root = make("div"), file = make("input", { type: "file", accept: "image/*", ariaLabel: "A picture of your own" });
  const freeze = async (pixels, labels) => {
    const x = Float32Array.from(pixels, (value) => value / 255);
    await keep((await model.encode(x, 1, model.hot(labels))).mean, labels);
  };
  place.append(root, make("p", { className: "help" }, "A picture of your own: ", file, " Nothing of it leaves this tab. Freeze keeps it as A, B, C or D."));
  view = new Mirror(root, { ...about, colours, freeze, mode: "draw" });
  file.onchange = async () => {
    try {
      await view.hold(await createImageBitmap(file.files[0]));
    } catch {
      view.says(`${file.files[0]?.name ?? "This file"} is no picture that this browser can read.`);
    }
  };
}

// A component of the explorer with a parcel, as Streamlit hands it one
async function part(name, parcel) {
  const [h, w] = model.shape, blank = new OffscreenCanvas(w, h);
  blank.getContext("2d").fillRect(0, 0, w, h);
  const png = new Uint8Array(await (await blank.convertToBlob()).arrayBuffer());
  const words = new TextEncoder().encode(JSON.stringify({ h, w, engine: about.name, ...parcel }));
  const data = new Uint8Array(4 + words.length + png.length);
  new DataView(data.buffer).setUint32(0, words.length, true);
  data.set(words, 4);
  data.set(png, 4 + words.length);
  const host = make("div"), shadow = host.attachShadow({ mode: "open" });
  shadow.innerHTML = await (await fetch(`parts/${name}.html`)).text();
  place.append(host);
  const { default: start } = await import(`./parts/${name}.js`);
  const note = (key, value) => key === "engine" && place.append(make("p", { className: "help", textContent: value }));
  return [start, { data, parentElement: shadow, setStateValue: note }];
}

const norm = (z) => Math.hypot(...z);
const mix = (parts) => parts[0][0].map((_, j) => parts.reduce((sum, [z, share]) => sum + share * z[j], 0));

// As ali_core/models/latent.py has it: a great circle, the norm changing linearly
function slerp(a, b, t) {
  const [na, nb] = [norm(a), norm(b)];
  const cosine = a.reduce((sum, v, j) => sum + v * b[j], 0) / (na * nb), angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  if (!(angle > 1e-4 && angle < Math.PI - 1e-4)) return mix([[a, 1 - t], [b, t]]);
  const long = ((1 - t) * na + t * nb) / Math.sin(angle);
  return mix([[a, (long * Math.sin((1 - t) * angle)) / na], [b, (long * Math.sin(t * angle)) / nb]]);
}

// How many of the map's codes are nearer than a typical neighbour is
function near(z) {
  const { found, distances } = known.nearest(known.z, known.d, z, Math.min(known.n, 60));
  return found.filter((_, i) => distances[i] <= known.typical.z).length;
}

const packed = (rows) => {
  const bytes = new Uint8Array(Float32Array.from(rows.flatMap((z) => [...z])).buffer);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
};
const counted = (count) => (count ? `${count < 60 ? count : "60 or more"} pictures are near` : "no picture is near");

async function path() {
  const [a, b] = kept, rows = Array.from({ length: STEPS }, (_, i) => slerp(a.z, b.z, i / (STEPS - 1)));
  const counts = rows.map(near), notes = counts.map((count, i) => `frame ${i + 1} of ${STEPS} · ${counted(count)}`);
  const parcel = { codes: packed(rows), ys: rows.map(() => a.y), ends: [0, STEPS - 1], says: ["A", "B"], notes, near: counts };
  const [start, words] = await part("scrub", { ...parcel, legend: "pictures near each frame", key: "path", gap: 16 });
  const at = (t) => slerp(a.z, b.z, t / (STEPS - 1));
  start({ ...words, setTriggerValue: (key, t) => key === "keep" && keep(Float32Array.from(at(t)), a.y) });
}

async function pad() {
  const share = (row, column) => [[1 - row, 1 - column], [1 - row, column], [row, 1 - column], [row, column]].map(([p, q]) => p * q);
  const rows = Array.from({ length: GRID * GRID }, (_, i) => {
    const shares = share(Math.floor(i / GRID) / (GRID - 1), (i % GRID) / (GRID - 1));
    const blend = mix(kept.map((one, k) => [one.z, shares[k]])), wanted = kept.reduce((sum, one, k) => sum + shares[k] * norm(one.z), 0);
    return blend.map((v) => (v * wanted) / Math.max(norm(blend), 1e-6));
  });
  const parcel = { codes: packed(rows), ys: rows.map(() => kept[0].y), n: GRID, cell: [4, 4], notes: rows.map((z) => counted(near(z))) };
  const [start, words] = await part("pad", parcel);
  start(words);
}

function card() {
  const rows = about.card.map(([word, says]) => make("tr", {}, make("th", { textContent: word }), make("td", { textContent: says })));
  place.append(make("h2", { textContent: about.title }), make("table", {}, ...rows));
}

choose(new URLSearchParams(location.hash.slice(1)).get("model") ?? models[0].name);
