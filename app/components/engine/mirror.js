// The live mirror: what a camera sees, or what is drawn, goes through encoder and decoder while one looks. Nothing of it
// leaves the tab until a picture is frozen.
import { codes } from "./codes.js";
import { image, open } from "./model.js";

const SIDE = 252, DRAWS = 8, MAP_EVERY = 150; // CSS pixels of a panel; posterior draws; ms between two looks at the map
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SAYS = {
  insecure: "A browser gives its camera to pages of this machine (localhost) or over https only. Draw, or upload a picture.",
  NotAllowedError: "The camera was refused. Allow it beside the page's address and click Camera again; or draw, or upload a picture.",
  NotFoundError: "There is no camera. Draw, or upload a picture.",
  NotReadableError: "Another program holds the camera. Close it and click Camera again; or draw.",
};

export class Mirror {
  // told: name, aspect (width to height of what the model looks at), edge (brightness 0 to 1 of its pictures' edges),
  // classes ([{name, of: [words]}] that the model is told), colours (of the map's classes), freeze(Uint8Array, labels), off(why)
  constructor(root, told) {
    Object.assign(this, { root, told, shown: 0, beats: [], mode: "camera", held: false });
    root.classList.add("ali-mirror");
    root.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("mirror.css", import.meta.url) }));
    this.bar = this.add("div", "bar");
    this.buttons = {};
    for (const [mode, says] of [["camera", "Camera"], ["draw", "Draw"]]) this.button(mode, says, () => this.turn(mode));
    this.button("freeze", "Freeze", () => this.freeze());
    this.button("clear", "Clear", () => this.clear());
    this.invert = this.choice("light and dark", ["as it is", "turned round"]);
    this.selects = told.classes.map(({ name, of }) => this.choice(name, of));
    this.rate = this.bar.appendChild(document.createElement("output"));
    this.note = this.add("p", "note");
    this.note.setAttribute("role", "status");
    const row = this.add("div", "row");
    this.stage = this.panel(row, "What you hold up", "ground");
    this.seen = this.panel(row, "What the model sees", "seen");
    this.made = this.panel(row, "What it remembers", "made");
    this.map = this.panel(row, "Where it stands", "map");
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    this.small = new OffscreenCanvas(1, 1);
    this.listen();
    this.begin();
  }

  add(name, kind, to = this.root) {
    const made = to.appendChild(document.createElement(name));
    made.className = kind;
    return made;
  }

  button(key, says, does) {
    this.buttons[key] = Object.assign(this.add("button", key, this.bar), { type: "button", textContent: says, onclick: does });
  }

  choice(says, words) {
    const label = this.add("label", "choice", this.bar), select = document.createElement("select");
    label.append(says, select);
    words.forEach((word, value) => select.append(new Option(word, value)));
    select.onchange = () => this.mode !== "camera" && this.look();
    return select;
  }

  panel(row, says, kind) {
    const figure = this.add("figure", kind, row), canvas = figure.appendChild(document.createElement("canvas"));
    Object.assign(canvas, { width: SIDE, height: SIDE });
    figure.appendChild(document.createElement("figcaption")).textContent = says;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", says);
    return canvas;
  }

  async begin() {
    this.says("The model comes into this tab …");
    try {
      const { name } = this.told;
      [this.model, this.codes] = await Promise.all([
        open(name, (share, says) => this.says(`${Math.round(100 * share)} %: ${says}`)), codes(name),
      ]);
      await Promise.all([this.model.net("encoder"), this.model.net("decoder")]);
    } catch (error) {
      this.says(error.message);
      this.told.off?.(error.message);
      return;
    }
    const [h, w] = this.model.shape;
    this.size = new ResizeObserver(() => { // pixels are enlarged by whole factors
      const wide = this.root.clientWidth, columns = wide > 560 ? 4 : 2, room = Math.min(254, (wide - 12 * (columns - 1)) / columns - 2);
      this.root.style.setProperty("--side", `${w * Math.max(1, Math.floor(room / w)) + 2}px`);
      this.root.style.setProperty("--columns", columns);
    });
    this.size.observe(this.root);
    Object.assign(this.small, { width: w, height: h });
    for (const canvas of [this.seen, this.made]) Object.assign(canvas, { width: w, height: h });
    this.says("");
    this.under = this.dots();
    this.root.dataset.ready = this.told.name;
    this.clear();
    this.turn(this.told.mode ?? "camera");
  }

  says(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  // ---- where the picture comes from ----

  async turn(mode) {
    if (!this.model) return;
    this.mode = this.root.dataset.mode = mode;
    this.held = false;
    for (const key of ["camera", "draw"]) this.buttons[key].setAttribute("aria-pressed", key === mode);
    this.buttons.clear.hidden = mode !== "draw";
    this.stage.tabIndex = mode === "draw" ? 0 : -1;
    this.stage.setAttribute("aria-label", mode === "draw"
      ? "Canvas to draw on: the arrow keys move the pen, with Shift they draw" : "Your camera's picture");
    this.says("");
    if (mode === "draw") {
      this.stop();
      this.clear();
    } else await this.start();
  }

  // A picture of the reader's own, once; whoever calls has it from a file
  hold(bitmap) {
    this.mode = this.root.dataset.mode = "file";
    this.stop();
    for (const key of ["camera", "draw"]) this.buttons[key].setAttribute("aria-pressed", false);
    const { aspect } = this.told, width = Math.min(bitmap.width, bitmap.height * aspect), height = width / aspect;
    const from = [(bitmap.width - width) / 2, (bitmap.height - height) / 2];
    this.stage.getContext("2d").drawImage(bitmap, ...from, width, height, 0, 0, SIDE, SIDE);
    return this.look();
  }

  async start() {
    this.stop();
    const turn = (this.turns = (this.turns ?? 0) + 1);
    if (!navigator.mediaDevices?.getUserMedia) return this.says(SAYS.insecure);
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, facingMode: "user" } });
      if (turn !== this.turns || this.closed || this.mode !== "camera" || document.hidden) {
        return stream.getTracks().forEach((track) => track.stop());
      }
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
      this.loop();
    } catch (error) {
      this.says(SAYS[error.name] ?? `The camera does not start (${error.message}). Draw, or upload a picture.`);
    }
  }

  stop() {
    this.turns = (this.turns ?? 0) + 1;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
    this.rate.textContent = "";
  }

  async loop() {
    const stream = this.stream, { video } = this;
    const wait = () => new Promise((done) => (video.requestVideoFrameCallback ? video.requestVideoFrameCallback(done) : requestAnimationFrame(done)));
    let frame = wait(); // the one that comes while this one is being answered counts
    while (this.stream === stream && stream && !this.closed) {
      await frame;
      frame = wait();
      if (this.stream !== stream) return;
      const { videoWidth: wide, videoHeight: high } = this.video, { aspect } = this.told;
      if (!wide) continue;
      const height = Math.min(high, wide / aspect) * 0.96, width = height * aspect, pen = this.stage.getContext("2d");
      pen.save();
      pen.translate(SIDE, 0);
      pen.scale(-1, 1); // a mirror
      pen.drawImage(this.video, (wide - width) / 2, (high - height) / 2, width, height, 0, 0, SIDE, SIDE);
      pen.restore();
      if (await this.look()) return;
    }
  }

  listen() {
    const at = (event) => {
      const box = this.stage.getBoundingClientRect();
      return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
    };
    this.stage.onpointerdown = (event) => {
      if (this.mode !== "draw") return;
      this.stage.setPointerCapture(event.pointerId);
      this.pen = at(event);
      this.line(this.pen, this.pen);
    };
    this.stage.onpointermove = (event) => {
      if (this.mode !== "draw" || !this.stage.hasPointerCapture(event.pointerId)) return;
      const here = at(event);
      this.line(this.pen, here);
      this.pen = here;
    };
    this.stage.onkeydown = (event) => {
      const way = WAYS[event.key];
      if (this.mode !== "draw" || !way) return;
      event.preventDefault();
      event.stopPropagation();
      const from = this.pen ?? [SIDE / 2, SIDE / 2];
      this.pen = from.map((one, k) => Math.min(Math.max(one + 9 * way[k], 4), SIDE - 4));
      if (event.shiftKey) this.line(from, this.pen);
      this.stage.setAttribute("aria-description", `${Math.round(this.pen[0])} from the left, ${Math.round(this.pen[1])} from the top`);
    };
    this.hide = () => {
      if (this.mode !== "camera" || !this.model) return;
      if (document.hidden) this.stop();
      else if (!this.held) this.start();
    };
    document.addEventListener("visibilitychange", this.hide);
  }

  line(from, to) {
    const pen = this.stage.getContext("2d");
    pen.lineCap = "round";
    pen.lineWidth = SIDE / 13;
    pen.strokeStyle = this.told.edge < 0.5 ? "#fff" : "#000";
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
    this.look();
  }

  clear() {
    const pen = this.stage.getContext("2d"), grey = Math.round(255 * this.told.edge);
    pen.fillStyle = `rgb(${grey}, ${grey}, ${grey})`;
    pen.fillRect(0, 0, SIDE, SIDE);
    if (this.model && this.mode === "draw") this.look();
  }

  // ---- what the model makes of it ----

  // One picture through encoder and decoder; of pictures that come meanwhile the last one follows. -> whether it is over
  async look() {
    if (this.busy) return (this.again = true) && false;
    this.busy = true;
    try {
      do {
        this.again = false;
        await this.answer();
      } while (this.again && this.mode === "draw");
    } catch (error) {
      this.says(error.message);
      this.stop();
      return true;
    } finally {
      this.busy = false;
    }
    return false;
  }

  async answer() {
    const x = this.pixels(), y = this.model.hot(this.labels);
    this.seen.getContext("2d").putImageData(image(x, this.model.shape), 0, 0);
    this.x = x;
    const { mean, sd } = await this.model.encode(x, 1, y), made = await this.model.decode(mean, 1, y);
    if (this.closed) return;
    this.made.getContext("2d").putImageData(image(made, this.model.shape), 0, 0);
    this.beat();
    if (performance.now() - (this.mapped ?? 0) > MAP_EVERY || this.mode !== "camera") this.mark(mean, sd);
  }

  get labels() {
    return this.selects.map((select) => +select.value);
  }

  // The stage as the model sees it: its size, its channels, 0 to 1
  pixels() {
    const [h, w, c] = this.model.shape, pen = this.small.getContext("2d", { willReadFrequently: true });
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.stage, 0, 0, w, h);
    const { data } = pen.getImageData(0, 0, w, h), turned = +this.invert.value;
    return Float32Array.from({ length: h * w * c }, (_, i) => {
      const at = 4 * Math.floor(i / c);
      const value = c > 1 ? data[at + (i % c)] / 255 : (0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2]) / 255;
      return turned ? 1 - value : value;
    });
  }

  beat() {
    const now = performance.now();
    this.beats = [...this.beats.filter((then) => now - then < 1000), now];
    this.root.dataset.shown = ++this.shown;
    if (this.mode === "camera") this.rate.textContent = `${this.beats.length} pictures a second`;
    else this.rate.textContent = "";
  }

  freeze() {
    if (!this.x) return;
    this.held = true;
    this.stop();
    this.told.freeze(Uint8Array.from(this.x, (value) => Math.round(255 * value)), this.labels);
  }

  // ---- the map ----

  dots() {
    const { umap, n, k, labels } = this.codes, low = [Infinity, Infinity], high = [-Infinity, -Infinity];
    for (let i = 0; i < 2 * n; i++) {
      low[i % 2] = Math.min(low[i % 2], umap[i]);
      high[i % 2] = Math.max(high[i % 2], umap[i]);
    }
    const sharp = devicePixelRatio || 1, scale = (SIDE - 16) / Math.max(high[0] - low[0], high[1] - low[1]);
    const middle = [0, 1].map((axis) => (low[axis] + high[axis]) / 2);
    this.pixel = ([x, y]) => [SIDE / 2 + (x - middle[0]) * scale, SIDE / 2 - (y - middle[1]) * scale];
    const made = new OffscreenCanvas(SIDE * sharp, SIDE * sharp), pen = made.getContext("2d");
    pen.scale(sharp, sharp);
    pen.globalAlpha = 0.45;
    for (let i = 0; i < n; i++) {
      const [x, y] = this.pixel([umap[2 * i], umap[2 * i + 1]]);
      pen.fillStyle = this.told.colours[labels[i * k] % this.told.colours.length];
      pen.fillRect(x - 0.75, y - 0.75, 1.5, 1.5);
    }
    Object.assign(this.map, { width: SIDE * sharp, height: SIDE * sharp });
    return made;
  }

  mark(mean, sd) {
    this.mapped = performance.now();
    const pen = this.map.getContext("2d"), sharp = devicePixelRatio || 1;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.map.width, this.map.height);
    pen.drawImage(this.under, 0, 0);
    pen.scale(sharp, sharp);
    pen.fillStyle = "rgba(86, 180, 233, 0.75)";
    if (sd.some((width) => width > 0)) {
      for (let i = 0; i < DRAWS; i++) {
        const [x, y] = this.pixel(this.codes.place(mean.map((m, j) => m + sd[j] * normal()), "umap"));
        pen.beginPath();
        pen.arc(x, y, 3, 0, 7);
        pen.fill();
      }
    }
    const place = this.codes.place(mean, "umap"), [x, y] = this.pixel(place);
    pen.beginPath();
    for (let i = 0; i < 10; i++) {
      const far = i % 2 ? 4 : 9, angle = (Math.PI * i) / 5 - Math.PI / 2;
      pen.lineTo(x + far * Math.cos(angle), y + far * Math.sin(angle));
    }
    pen.closePath();
    pen.fillStyle = "#009E73";
    pen.strokeStyle = "#fff";
    pen.lineWidth = 1.5;
    pen.fill();
    pen.stroke();
    const { found } = this.codes.nearest(this.codes.z, this.codes.d, mean, 8), { labels, agree } = this.codes.most(found);
    const words = `Where it stands: ${agree} of 8 nearest are ${this.codes.names[labels[0]]}`;
    this.map.nextElementSibling.textContent = words;
    this.map.setAttribute("aria-label", words);
    this.root.dataset.place = place.map((one) => one.toFixed(3));
  }

  close() {
    this.closed = true;
    this.stop();
    this.size?.disconnect();
    document.removeEventListener("visibilitychange", this.hide);
  }
}

function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
