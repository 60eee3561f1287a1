// Decode under the pointer: a map's place becomes a picture while the pointer moves, with a gauge of how far it is to be
// trusted; and a lattice of such pictures under the points. The map itself is whoever calls: see `stage` below.
import { codes } from "./codes.js";
import { latest } from "./engine.js";
import { image, open } from "./model.js";

const AMONG = 2, FAR = 10; // times the typical distance: until there among the data, from there empty
const STEP = 6, WIDE = 40, BATCH = 12, CELL = 30; // pixels of a key, with Shift; pictures at once; a cell's least side
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HELP = "Decode under the pointer: the picture follows the mouse, a finger, or the arrow keys (with Shift faster); Enter or a click keeps it.";

export class Pointer {
  // stage: host (element to lay over), area() -> {left, top, width, height} of the map in it, data(px, py) -> [x, y],
  // pixel(x, y) -> [px, py], keep(x, y) for a place that the reader keeps, wheel(event)
  constructor(stage) {
    this.stage = stage;
    this.sheet = element("div", "ali-decode");
    this.sheet.tabIndex = 0;
    this.sheet.setAttribute("role", "application");
    this.sheet.setAttribute("aria-label", HELP);
    this.card = element("div", "ali-decoded");
    this.canvas = this.card.appendChild(document.createElement("canvas"));
    this.gauge = this.card.appendChild(new Gauge().root);
    this.note = element("div", "ali-decode-note");
    this.note.setAttribute("role", "status");
    this.under = element("canvas", "ali-lattice");
    this.cross = element("div", "ali-cross");
    this.live = element("div", "ali-live");
    this.live.setAttribute("aria-live", "polite");
    this.sheet.append(this.cross, this.card, this.note, this.live);
    this.ask = latest((...place) => this.decode(...place));
    this.sheet.onpointermove = (event) => this.move(event);
    this.sheet.onpointerdown = (event) => { this.down = [event.clientX, event.clientY]; this.move(event); };
    this.sheet.onpointerleave = (event) => event.pointerType !== "touch" && this.leave();
    this.sheet.onclick = (event) => this.click(event);
    this.sheet.onkeydown = (event) => this.press(event);
    this.sheet.addEventListener("wheel", (event) => { event.preventDefault(); stage.wheel?.(event); }, { passive: false });
    this.shown = 0; // pictures that have been shown
  }

  // settings: name (the checkpoint), map (whose codes, where they are not the checkpoint's own), view, lattice (whether), as: classes it is decoded as, or null for the neighbours'
  async set(settings) {
    const other = this.settings?.name !== settings.name || this.settings?.map !== settings.map, before = JSON.stringify(this.settings);
    this.settings = settings;
    if (!this.sheet.isConnected) this.stage.host.append(this.sheet);
    if (!this.under.isConnected) this.stage.host.prepend(this.under);
    this.lay();
    if (other) {
      this.ready = null;
      this.leave();
      this.says("The model comes into this tab …");
      try {
        const [model, known] = await Promise.all([
          open(settings.name, (share, says) => this.says(`${Math.round(100 * share)} %: ${says}`, share)),
          codes(settings.map ?? settings.name),
        ]);
        await model.net("decoder");
        if (this.settings.name !== settings.name || this.settings.map !== settings.map) return;
        if (model.classes.length && model.classes.length !== known.k) {
          throw new Error("This map does not know all that the model is told.");
        }
        Object.assign(this, { model, codes: known, ready: true });
        this.says("");
        this.sheet.dataset.ready = settings.name;
      } catch (error) {
        this.says(`${error.message} A click still decodes a place, on the server.`);
        return;
      }
    }
    if (this.ready && (other || before !== JSON.stringify(settings))) this.lattice();
  }

  close() {
    this.closed = true;
    this.sheet.remove();
    this.under.remove();
  }

  // The map has moved, or has another size
  lay() {
    const { left, top, width, height } = this.stage.area();
    for (const part of [this.sheet, this.under]) {
      Object.assign(part.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
    }
    clearTimeout(this.later);
    this.later = setTimeout(() => this.ready && this.lattice(), 250);
  }

  says(text, share = null) {
    this.note.textContent = text;
    this.note.hidden = !text;
    this.note.style.setProperty("--share", share === null ? "0%" : `${100 * share}%`);
  }

  // ---- pointer and keys ----

  move(event) {
    const box = this.sheet.getBoundingClientRect();
    this.show(event.clientX - box.left, event.clientY - box.top, event.pointerType === "touch");
  }

  click(event) {
    const moved = this.down && Math.hypot(event.clientX - this.down[0], event.clientY - this.down[1]);
    if (moved > 6) return; // a finger that looked around
    this.move(event);
    this.stage.keep(...this.place());
  }

  press(event) {
    const way = WAYS[event.key], { width, height } = this.sheet.getBoundingClientRect();
    if (way) {
      const far = event.shiftKey ? WIDE : STEP, [x, y] = this.at ?? [width / 2, height / 2];
      const to = [x + way[0] * far, y + way[1] * far];
      this.show(Math.min(Math.max(to[0], 0), width), Math.min(Math.max(to[1], 0), height), false, true);
    } else if (event.key === "Enter" && this.at) this.stage.keep(...this.place());
    else if (event.key === "Escape") this.leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  place() {
    const { left, top } = this.stage.area();
    return this.stage.data(left + this.at[0], top + this.at[1]);
  }

  leave() {
    this.at = null;
    this.card.hidden = this.cross.hidden = true;
  }

  // ---- what is seen ----

  async show(x, y, finger = false, spoken = false) {
    this.at = [x, y];
    this.cross.hidden = false;
    this.cross.style.transform = `translate(${x}px, ${y}px)`;
    if (!this.ready) return;
    this.finger = finger;
    const place = this.place();
    let made;
    try {
      made = await this.ask(...place);
    } catch (error) {
      this.says(error.message);
      return;
    }
    if (!made || !this.at || this.closed) return;
    const { found, picture } = made, [h, w] = this.model.shape;
    const scale = Math.max(1, Math.floor(128 / Math.max(h, w)));
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
    Object.assign(this.canvas.style, { width: `${w * scale}px`, height: `${h * scale}px` });
    this.canvas.getContext("2d").putImageData(image(picture, this.model.shape), 0, 0);
    this.card.hidden = false;
    this.sit();
    const words = this.gauge.tell(found, this.codes);
    if (spoken) this.live.textContent = words;
    Object.assign(this.sheet.dataset, { shown: ++this.shown, place });
  }

  async decode(x, y) {
    const found = this.codes.lift(x, y, this.settings.view), told = this.codes.most(found.near);
    const picture = await this.model.decode(found.z, 1, this.model.hot(this.settings.as ?? told.labels));
    return { found: { ...found, ...told }, picture };
  }

  // The card beside the pointer, above a finger
  sit() {
    const [x, y] = this.at, { offsetWidth: w, offsetHeight: h } = this.card;
    const { clientWidth: wide, clientHeight: high } = this.sheet;
    const left = this.finger ? x - w / 2 : x + 18 + w > wide ? x - 18 - w : x + 18;
    const top = this.finger ? (y - h - 36 < 0 ? y + 36 : y - h - 36) : y - h / 2;
    const within = (at, most) => Math.round(Math.min(Math.max(at, 0), Math.max(0, most)));
    this.card.style.transform = `translate(${within(left, wide - w)}px, ${within(top, high - h)}px)`;
  }

  // Decoded pictures in a lattice; where no data are near, none
  async lattice() {
    const run = (this.run = (this.run ?? 0) + 1), pen = this.under.getContext("2d");
    const { left, top, width, height } = this.stage.area(), [h, w] = this.model.shape;
    this.stage.host.classList.toggle("ali-over-lattice", Boolean(this.settings.lattice));
    this.under.width = width;
    this.under.height = height;
    this.under.dataset.cells = 0;
    delete this.under.dataset.done; // a lattice drawn anew is not yet there
    if (!this.settings.lattice) return;
    const side = Math.max(CELL, Math.max(h, w) / 2), columns = Math.floor(width / side), rows = Math.floor(height / side);
    const cells = [];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const [px, py] = [(column + 0.5) * side, (row + 0.5) * side];
        const found = this.codes.lift(...this.stage.data(left + px, top + py), this.settings.view);
        if (found.ratio < AMONG * 2) cells.push({ px, py, ...found });
      }
    }
    const small = new OffscreenCanvas(w, h), brush = small.getContext("2d");
    pen.imageSmoothingEnabled = w > side;
    for (let at = 0; at < cells.length; at += BATCH) {
      const part = cells.slice(at, at + BATCH), { latent } = this.model, z = new Float32Array(part.length * latent);
      part.forEach((cell, i) => z.set(cell.z, i * latent));
      const told = part.flatMap((cell) => [...(this.model.hot(this.settings.as ?? this.codes.most(cell.near).labels) ?? [])]);
      const pictures = await this.model.decode(z, part.length, told.length ? Float32Array.from(told) : null);
      if (run !== this.run || this.closed) return;
      part.forEach(({ px, py, ratio }, i) => {
        brush.putImageData(image(pictures, this.model.shape, i), 0, 0);
        pen.globalAlpha = ratio < AMONG ? 1 : 0.45; // at the edge of the data it is a guess
        pen.drawImage(small, px - side / 2 + 1, py - side / 2 + 1, side - 2, side - 2);
      });
      this.under.dataset.cells = at + part.length;
    }
    this.under.dataset.done = run;
  }
}

// How far a picture is to be trusted: two bars and a sentence
class Gauge {
  constructor() {
    this.root = element("div", "ali-gauge");
    this.bars = ["distance to data", "neighbours differ"].map((name) => {
      const row = this.root.appendChild(element("div", "ali-bar"));
      const [word, bar] = [row.appendChild(document.createElement("span")), row.appendChild(document.createElement("i"))];
      return (share, text, hue) => {
        word.textContent = `${name} ${text}`;
        bar.style.setProperty("--share", `${Math.round(100 * Math.min(1, share))}%`);
        bar.style.setProperty("--hue", hue);
      };
    });
    const judged = this.root.appendChild(element("b", ""));
    this.root.tell = ({ ratio, apart, labels, agree, near }, { names }) => {
      const [says, hue] = ratio < AMONG ? ["among the data", "#009E73"]
        : ratio < FAR ? ["at the edge of the data", "#E69F00"] : ["no picture lies near", "#D55E00"];
      this.bars[0](Math.log1p(ratio) / Math.log1p(FAR), `${ratio.toFixed(1)}×`, hue);
      this.bars[1](apart, `${apart.toFixed(1)}×`, "#56B4E9");
      judged.textContent = `${says}; ${agree} of ${near.length} ${names[labels[0]]}`;
      return `${says}, ${ratio.toFixed(1)} times the typical distance; ${agree} of ${near.length} neighbours are ${names[labels[0]]}`;
    };
  }
}

function element(name, kind) {
  const made = document.createElement(name);
  made.className = kind;
  return made;
}
