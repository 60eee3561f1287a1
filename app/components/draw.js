// A drawing of grey pixels: the pen lays lines on the ground, the eraser takes them off, keys do the same.
const easels = new WeakMap();
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEPT = 50; // steps that can be undone
const SAYS = {
  pen: "Draw with the mouse or a finger. Keys: arrows move the pen, Enter draws, with Shift they draw on the way.",
  eraser: "Erase what you have drawn. Keys: arrows move the eraser, Enter erases, with Shift on the way.",
};

class Easel {
  constructor(root) {
    this.root = root;
    this.sent = new Set();
    this.before = [];
    for (const name of ["paper", "size", "note", "undo", "clear", "start"]) this[name] = root.querySelector("." + name);
    this.canvas = root.querySelector("canvas");
    this.tools = [...root.querySelectorAll("[data-tool]")];
    this.tools.forEach((button) => { button.onclick = () => this.use(button.dataset.tool); });
    this.size.value = "2";
    this.size.onchange = () => { this.cursor = null; this.paint(); };
    this.undo.onclick = () => this.back();
    this.clear.onclick = () => this.become(() => this.grey.fill(this.parcel.ground));
    this.start.onclick = () => this.become(() => { this.grey = greys(this.parcel); });
    this.paper.onpointerdown = (event) => this.begin(event);
    this.paper.onpointermove = (event) => this.move(event);
    this.paper.onpointerup = this.paper.onpointercancel = () => this.end();
    this.paper.onpointerleave = this.paper.onblur = () => this.away();
    this.paper.onkeydown = (event) => this.press(event);
    this.use("pen");
  }

  take(parcel) {
    const other = !this.parcel || parcel.w !== this.parcel.w || parcel.h !== this.parcel.h;
    this.parcel = parcel;
    // another direction brings another drawing; the echo of what was drawn here does not
    if (other || (parcel.drawing !== this.said && !this.sent.has(parcel.drawing))) {
      this.grey = bytes(parcel.drawing);
      this.before = [];
      this.cursor = null;
    }
    if (parcel.drawing === this.latest) this.sent.clear();
    this.said = parcel.drawing;
    this.scale = Math.max(1, Math.floor(parcel.side / Math.max(parcel.w, parcel.h)));
    this.start.textContent = parcel.says;
    this.start.hidden = !parcel.says;
    this.paint();
  }

  use(tool) {
    this.tool = tool;
    this.tools.forEach((button) => button.setAttribute("aria-checked", button.dataset.tool === tool));
    this.note.textContent = SAYS[tool];
    this.paper.setAttribute("aria-label", `Canvas to draw on. ${SAYS[tool]}`);
    this.cursor = null;
    this.paint();
  }

  // ---- pointer and keys ----

  begin(event) {
    if (!this.parcel || event.button) return;
    this.paper.setPointerCapture(event.pointerId);
    this.remember();
    this.stroke = true;
    this.last = this.at(event);
    this.move(event);
  }

  move(event) {
    if (!this.parcel) return;
    const here = this.at(event);
    this.cursor = here;
    if (this.stroke) this.line(this.last, here);
    this.last = here;
    this.paint();
  }

  end() {
    if (!this.stroke) return;
    this.stroke = false;
    this.paint();
    this.tell(0);
  }

  away() {
    if (this.stroke) return;
    this.cursor = null;
    this.paint();
  }

  press(event) {
    if (!this.parcel || event.altKey) return;
    const { w, h } = this.parcel, way = WAYS[event.key];
    if ((event.ctrlKey || event.metaKey) && event.key === "z") this.back();
    else if (event.ctrlKey || event.metaKey) return;
    else if (way) {
      const from = this.cursor ?? [w >> 1, h >> 1];
      this.cursor = this.cursor ? [clamp(from[0] + way[0], 0, w - 1), clamp(from[1] + way[1], 0, h - 1)] : from;
      this.note.textContent = `${this.cursor[0]} from the left, ${this.cursor[1]} from the top`;
      if (event.shiftKey) this.become(() => this.line(from, this.cursor));
      this.paint();
    } else if ((event.key === "Enter" || event.key === " ") && this.cursor) {
      this.become(() => this.line(this.cursor, this.cursor));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ---- the drawing ----

  at(event) {
    const box = this.canvas.getBoundingClientRect(), { w, h } = this.parcel;
    const pixel = (from, most) => clamp(Math.floor((from - 1) / this.scale), 0, most - 1);
    return [pixel(event.clientX - box.left, w), pixel(event.clientY - box.top, h)];
  }

  // the pen's square around a pixel
  nib([x, y]) {
    const size = Number(this.size.value), low = (value) => value - ((size - 1) >> 1);
    const { w, h } = this.parcel, [left, top] = [Math.max(0, low(x)), Math.max(0, low(y))];
    return [left, top, Math.min(w, low(x) + size), Math.min(h, low(y) + size)];
  }

  // a fast pointer leaves gaps: every pixel of the way is drawn
  line(from, to) {
    const long = Math.max(1, ...[0, 1].map((i) => Math.abs(to[i] - from[i])));
    const ink = this.tool === "pen" ? 255 - this.parcel.ground : this.parcel.ground;
    for (let step = 0; step <= long; step++) {
      const way = [0, 1].map((i) => Math.round(from[i] + ((to[i] - from[i]) * step) / long));
      const [left, top, right, low] = this.nib(way);
      for (let y = top; y < low; y++) this.grey.fill(ink, y * this.parcel.w + left, y * this.parcel.w + right);
    }
  }

  remember() {
    this.before.push(this.grey.slice());
    if (this.before.length > KEPT) this.before.shift();
  }

  back() {
    if (!this.before.length) return;
    this.grey = this.before.pop();
    this.paint();
    this.tell(150);
  }

  become(change) {
    if (!this.parcel) return;
    this.remember();
    change();
    this.paint();
    this.tell(150);
  }

  tell(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const word = btoa(String.fromCharCode(...this.grey));
      if (word === (this.sent.size ? this.latest : this.said)) return;
      this.latest = word;
      this.sent.add(word);
      this.send("drawing", word);
    }, wait);
  }

  // ---- what is seen ----

  paint() {
    if (!this.parcel) return;
    const { w, h, ground } = this.parcel, { scale } = this, sharp = Math.ceil(devicePixelRatio || 1);
    resize(this.canvas, w * scale * sharp, h * scale * sharp, 1 / sharp);
    const pen = this.canvas.getContext("2d");
    pen.scale(scale * sharp, scale * sharp);
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const grey = this.grey[y * w + x];
        pen.fillStyle = `rgb(${grey} ${grey} ${grey})`;
        pen.fillRect(x, y, 1, 1);
      }
    }
    if (this.cursor) {
      const [left, top, right, low] = this.nib(this.cursor);
      pen.strokeStyle = "#D55E00";
      pen.lineWidth = 2 / scale;
      pen.strokeRect(left, top, right - left, low - top);
    }
    this.undo.disabled = !this.before.length;
    this.root.dataset.ink = this.grey.reduce((sum, grey) => sum + (grey !== ground), 0);
  }
}

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// the greys of the picture to start from
function greys({ sheet, w, h }) {
  const canvas = new OffscreenCanvas(w, h), pen = canvas.getContext("2d");
  pen.drawImage(sheet, 0, 0);
  return pen.getImageData(0, 0, w, h).data.filter((_, i) => i % 4 === 0);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  if (!easels.has(root)) easels.set(root, new Easel(root));
  const easel = easels.get(root);
  easel.send = setTriggerValue;
  let late = false; // newer data may arrive while older is decoded
  unpack(data).then((parcel) => late || easel.take(parcel));
  return () => { late = true; };
}
