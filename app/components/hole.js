// A hole is painted into a picture: brush and eraser change it, a box is a new one, keys do the same.
const papers = new WeakMap();
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SAYS = {
  brush: "Brush: paint the hole larger. Keys: arrows move it, Enter paints.",
  box: "Box: drag a new hole. Keys: arrows move it, with Shift they size it, Enter makes it the hole.",
  erase: "Erase: paint the hole smaller. Keys: arrows move it, Enter erases.",
};

class Paper {
  constructor(root) {
    this.root = root;
    this.sent = new Set();
    for (const name of ["paper", "size", "note", "clear", "middle"]) this[name] = root.querySelector("." + name);
    this.canvas = root.querySelector("canvas");
    this.tools = [...root.querySelectorAll("[data-tool]")];
    this.tools.forEach((button) => { button.onclick = () => this.use(button.dataset.tool); });
    this.size.value = "3";
    this.size.onchange = () => { this.cursor = null; this.draw(); };
    this.clear.onclick = () => this.become(() => this.hole.fill(0));
    this.middle.onclick = () => this.become(() => this.fill(this.parcel.start));
    this.paper.onpointerdown = (event) => this.begin(event);
    this.paper.onpointermove = (event) => this.move(event);
    this.paper.onpointerup = () => this.end();
    this.paper.onpointercancel = () => this.end();
    this.paper.onpointerleave = () => this.away();
    this.paper.onkeydown = (event) => this.press(event);
    this.paper.onblur = () => this.away();
    this.use("brush");
  }

  take(parcel) {
    const other = !this.parcel || parcel.w !== this.parcel.w || parcel.h !== this.parcel.h;
    this.parcel = parcel;
    // a link or the Back button brings a hole; the echo of what was painted here does not
    if (other || (parcel.hole !== this.said && !this.sent.has(parcel.hole))) {
      this.hole = bits(parcel.hole, parcel.w * parcel.h);
      this.cursor = null;
    }
    if (parcel.hole === this.latest) this.sent.clear();
    this.said = parcel.hole;
    this.box = this.box && !other ? this.box : parcel.start;
    this.scale = Math.max(1, Math.floor(parcel.side / Math.max(parcel.w, parcel.h)));
    this.root.dataset.tool = this.tool;
    this.draw();
  }

  use(tool) {
    this.tool = this.root.dataset.tool = tool;
    this.tools.forEach((button) => button.setAttribute("aria-checked", button.dataset.tool === tool));
    this.size.disabled = tool === "box";
    this.note.textContent = SAYS[tool];
    this.paper.setAttribute("aria-label", `Picture to paint a hole into. ${SAYS[tool]}`);
    this.cursor = null;
    this.draw();
  }

  // ---- pointer and keys ----

  begin(event) {
    if (!this.parcel || event.button) return;
    this.paper.setPointerCapture(event.pointerId);
    this.from = this.last = this.at(event);
    this.stroke = this.tool;
    this.move(event);
  }

  move(event) {
    if (!this.parcel) return;
    const here = this.at(event);
    if (this.stroke === "box") {
      const [x, y] = [0, 1].map((i) => Math.min(this.from[i], here[i]));
      const [right, low] = [0, 1].map((i) => Math.max(this.from[i], here[i]));
      this.cursor = [x, y, right - x + 1, low - y + 1];
    } else if (this.tool !== "box") {
      this.cursor = this.around(here);
      if (this.stroke) {
        // a fast pointer leaves gaps: every pixel of the way is painted
        const long = Math.max(1, ...[0, 1].map((i) => Math.abs(here[i] - this.last[i])));
        for (let step = 1; step <= long; step++) {
          const way = [0, 1].map((i) => Math.round(this.last[i] + ((here[i] - this.last[i]) * step) / long));
          this.fill(this.around(way), this.stroke === "brush");
        }
      }
    }
    this.last = here;
    this.draw();
  }

  end() {
    if (!this.stroke) return;
    if (this.stroke === "box") {
      this.box = this.cursor;
      this.hole.fill(0);
      this.fill(this.box);
    }
    this.stroke = null;
    if (this.tool === "box") this.cursor = null;
    this.draw();
    this.tell(0);
  }

  away() {
    if (this.stroke) return;
    this.cursor = null;
    this.draw();
  }

  press(event) {
    if (!this.parcel || event.ctrlKey || event.altKey || event.metaKey) return;
    const { w, h } = this.parcel, way = KEYS[event.key];
    if (way) {
      const first = !this.cursor;
      let [x, y, wide, high] = this.cursor ?? (this.tool === "box" ? this.box : this.around([w >> 1, h >> 1]));
      if (event.shiftKey && this.tool === "box") {
        wide = clamp(wide + way[0], 1, w - x);
        high = clamp(high + way[1], 1, h - y);
      } else if (!first || this.tool === "box") {
        x = clamp(x + way[0], 0, w - wide);
        y = clamp(y + way[1], 0, h - high);
      }
      this.cursor = [x, y, wide, high];
      this.note.textContent = `${wide} by ${high} pixels, ${x} from the left, ${y} from the top`;
      this.draw();
    } else if ((event.key === "Enter" || event.key === " ") && this.cursor) {
      this.become(() => {
        if (this.tool === "box") {
          this.box = this.cursor;
          this.hole.fill(0);
        }
        this.fill(this.cursor, this.tool !== "erase");
      });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ---- the hole ----

  at(event) {
    const box = this.canvas.getBoundingClientRect(), { w, h } = this.parcel;
    const pixel = (from, most) => clamp(Math.floor((from - 1) / this.scale), 0, most - 1);
    return [pixel(event.clientX - box.left, w), pixel(event.clientY - box.top, h)];
  }

  // the brush's square around a pixel
  around([x, y]) {
    const size = Number(this.size.value), { w, h } = this.parcel;
    const low = (value) => value - ((size - 1) >> 1);
    const [left, top] = [clamp(low(x), 0, w), clamp(low(y), 0, h)];
    return [left, top, clamp(low(x) + size, 0, w) - left, clamp(low(y) + size, 0, h) - top];
  }

  fill([x, y, wide, high], full = true) {
    for (let row = y; row < y + high; row++) this.hole.fill(full ? 1 : 0, row * this.parcel.w + x, row * this.parcel.w + x + wide);
  }

  become(change) {
    if (!this.parcel) return;
    change();
    this.draw();
    this.tell(150);
  }

  tell(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const word = packed(this.hole);
      if (word === (this.sent.size ? this.latest : this.said)) return;
      this.latest = word;
      this.sent.add(word);
      this.send("hole", word);
    }, wait);
  }

  // ---- what is seen ----

  draw() {
    if (!this.parcel) return;
    const { w, h } = this.parcel, { scale } = this, sharp = Math.ceil(devicePixelRatio || 1);
    resize(this.canvas, w * scale * sharp, h * scale * sharp, 1 / sharp);
    const pen = this.canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.parcel.sheet, 0, 0, w, h, 0, 0, w * scale * sharp, h * scale * sharp);
    pen.scale(scale * sharp, scale * sharp);
    const inside = (x, y) => x >= 0 && y >= 0 && x < w && y < h && this.hole[y * w + x];
    const line = 2 / scale;
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        if (!inside(x, y)) continue;
        // a chequered ground is nothing; no picture looks like it
        for (const [dx, dy] of [[0, 0], [0.5, 0], [0, 0.5], [0.5, 0.5]]) {
          pen.fillStyle = dx === dy ? "#9a9a9a" : "#777777";
          pen.fillRect(x + dx, y + dy, 0.5, 0.5);
        }
      }
    }
    pen.fillStyle = "#D55E00";
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        if (!inside(x, y)) continue;
        if (!inside(x - 1, y)) pen.fillRect(x, y, line, 1);
        if (!inside(x + 1, y)) pen.fillRect(x + 1 - line, y, line, 1);
        if (!inside(x, y - 1)) pen.fillRect(x, y, 1, line);
        if (!inside(x, y + 1)) pen.fillRect(x, y + 1 - line, 1, line);
      }
    }
    if (this.cursor) {
      const [x, y, wide, high] = this.cursor;
      for (const [colour, thick] of [["#fff", 3 / scale], ["#D55E00", 1.5 / scale]]) {
        pen.strokeStyle = colour;
        pen.lineWidth = thick;
        pen.strokeRect(x, y, wide, high);
      }
    }
    this.root.dataset.hole = this.hole.reduce((sum, bit) => sum + bit, 0);
  }
}

// a hole in the order of numpy's packbits: the first pixel is the highest bit
function bits(text, n) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return Uint8Array.from({ length: n }, (_, i) => (bytes[i >> 3] >> (7 - (i & 7))) & 1);
}

function packed(hole) {
  const bytes = new Uint8Array(Math.ceil(hole.length / 8));
  hole.forEach((bit, i) => { bytes[i >> 3] |= bit << (7 - (i & 7)); });
  return btoa(String.fromCharCode(...bytes));
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  if (!papers.has(root)) papers.set(root, new Paper(root));
  const paper = papers.get(root);
  paper.send = setTriggerValue;
  let late = false; // newer data may arrive while older is decoded
  unpack(data).then((parcel) => late || paper.take(parcel));
  return () => { late = true; };
}
