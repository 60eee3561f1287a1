// A box over a picture: what is in it is what the model sees. It is moved and sized; a click takes another face.
const frames = new WeakMap();
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const CORNERS = [[0, 0], [1, 0], [0, 1], [1, 1]];

class Frame {
  constructor(root) {
    this.root = root;
    this.sent = new Set();
    for (const name of ["paper", "note", "next", "whole"]) this[name] = root.querySelector("." + name);
    this.canvas = root.querySelector("canvas");
    this.next.onclick = () => this.become(this.parcel.faces[(this.place() + 1) % this.parcel.faces.length]);
    this.whole.onclick = () => this.become(this.box ? null : this.last ?? this.parcel.faces[0] ?? this.middle());
    this.paper.onpointerdown = (event) => this.begin(event);
    this.paper.onpointermove = (event) => this.move(event);
    this.paper.onpointerup = () => this.end();
    this.paper.onpointercancel = () => this.end();
    this.paper.onkeydown = (event) => this.press(event);
  }

  take(parcel) {
    const other = !this.parcel || parcel.of !== this.parcel.of, said = JSON.stringify(parcel.box);
    this.parcel = parcel;
    // the echo of what was moved here is no news
    if (other || (said !== this.said && !this.sent.has(said))) this.box = parcel.box;
    if (other) this.last = null;
    if (other || said === this.latest) this.sent.clear();
    this.said = said;
    // room around it: the box of a face at the edge leaves the picture
    this.margin = Math.round(parcel.side * 0.07);
    this.scale = (parcel.side - 2 * this.margin) / Math.max(parcel.width, parcel.height);
    this.next.hidden = parcel.faces.length < 2;
    this.draw();
  }

  // ---- pointer and keys ----

  begin(event) {
    if (!this.parcel || event.button) return;
    const at = this.at(event), reach = (event.pointerType === "mouse" ? 10 : 22) / this.scale;
    const inside = ([x, y, wide, high]) => at[0] >= x && at[0] <= x + wide && at[1] >= y && at[1] <= y + high;
    const corner = this.box && CORNERS.find((c) => this.corner(c).every((value, i) => Math.abs(value - at[i]) < reach));
    this.paper.setPointerCapture(event.pointerId);
    if (corner) {
      this.fixed = this.corner(corner.map((side) => 1 - side));
    } else {
      if (!this.box || !inside(this.box)) {
        const face = this.parcel.faces.find(inside), now = this.box ?? this.last ?? this.parcel.faces[0] ?? this.middle();
        this.box = face ?? this.kept([at[0] - now[2] / 2, at[1] - now[3] / 2, now[2], now[3]]);
        this.draw();
        if (face) return this.tell(0);
      }
      this.from = [at[0] - this.box[0], at[1] - this.box[1]];
    }
  }

  move(event) {
    if (!this.parcel || !(this.from || this.fixed)) return;
    const at = this.at(event), { aspect } = this.parcel;
    if (this.from) this.box = this.kept([at[0] - this.from[0], at[1] - this.from[1], this.box[2], this.box[3]]);
    else {
      const [dx, dy] = [0, 1].map((i) => at[i] - this.fixed[i]);
      const wide = this.width(Math.max(Math.abs(dx), Math.abs(dy) * aspect)), high = wide / aspect;
      this.box = this.kept([this.fixed[0] - (dx < 0 ? wide : 0), this.fixed[1] - (dy < 0 ? high : 0), wide, high]);
    }
    this.draw();
  }

  end() {
    if (!this.from && !this.fixed) return;
    this.from = this.fixed = null;
    this.tell(0);
  }

  press(event) {
    const way = KEYS[event.key];
    if (!way || !this.parcel || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    let [x, y, wide, high] = this.box ?? this.last ?? this.parcel.faces[0] ?? this.middle();
    if (event.shiftKey) {
      const more = this.width(wide * (way[0] + way[1] > 0 ? 1.05 : 1 / 1.05));
      [x, y] = [x + (wide - more) / 2, y + (high - more / this.parcel.aspect) / 2];
      [wide, high] = [more, more / this.parcel.aspect];
    } else [x, y] = [x + way[0] * wide * 0.03, y + way[1] * wide * 0.03];
    this.become(this.kept([x, y, wide, high]), 250);
  }

  // ---- the box ----

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top].map((from) => (from - this.margin) / this.scale);
  }

  corner([right, low]) {
    const [x, y, wide, high] = this.box;
    return [x + right * wide, y + low * high];
  }

  width(wide) {
    const most = Math.max(this.parcel.width, this.parcel.height);
    return clamp(wide, Math.min(16, most / 4), most * 1.5);
  }

  // its middle stays in the picture
  kept([x, y, wide, high]) {
    const { width, height } = this.parcel;
    return [clamp(x, -wide / 2, width - wide / 2), clamp(y, -high / 2, height - high / 2), wide, high].map(Math.round);
  }

  middle() {
    const { width, height, aspect } = this.parcel, wide = Math.min(width, height * aspect);
    return [(width - wide) / 2, (height - wide / aspect) / 2, wide, wide / aspect].map(Math.round);
  }

  place() {
    return this.box ? this.parcel.faces.findIndex((face) => face.join() === this.box.join()) : -1;
  }

  become(box, wait = 0) {
    if (!this.parcel) return;
    if (this.box) this.last = this.box;
    this.box = box;
    this.draw();
    this.tell(wait);
  }

  tell(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const word = JSON.stringify(this.box);
      if (word === (this.sent.size ? this.latest : this.said)) return;
      this.latest = word;
      this.sent.add(word);
      this.send("box", { of: this.parcel.of, box: this.box });
    }, wait);
  }

  // ---- what is seen ----

  draw() {
    if (!this.parcel) return;
    const { width, height, faces, sheet } = this.parcel, { scale, margin } = this, sharp = Math.ceil(devicePixelRatio || 1);
    const [across, down] = [width * scale, height * scale];
    resize(this.canvas, (across + 2 * margin) * sharp, (down + 2 * margin) * sharp, 1 / sharp);
    const pen = this.canvas.getContext("2d");
    pen.scale(sharp, sharp);
    pen.translate(margin, margin);
    pen.drawImage(sheet, 0, 0, across, down);
    const line = ([x, y, wide, high], colour, thick, dash = []) => {
      pen.setLineDash(dash);
      pen.strokeStyle = colour;
      pen.lineWidth = thick;
      pen.strokeRect(x * scale, y * scale, wide * scale, high * scale);
    };
    if (this.box) {
      const [x, y, wide, high] = this.box;
      pen.fillStyle = "rgba(0, 0, 0, 0.45)";
      pen.beginPath();
      pen.rect(0, 0, across, down);
      pen.rect(x * scale, y * scale, wide * scale, high * scale);
      pen.fill("evenodd");
    }
    faces.forEach((face) => {
      line(face, "rgba(0, 0, 0, 0.8)", 2.5);
      line(face, "#fff", 1.2, [4, 3]);
    });
    if (this.box) {
      line(this.box, "#fff", 4);
      line(this.box, "#D55E00", 2);
      pen.fillStyle = "#D55E00";
      for (const [x, y] of CORNERS.map((c) => this.corner(c))) pen.fillRect(x * scale - 4, y * scale - 4, 8, 8);
    }
    const place = this.place(), many = faces.length;
    this.whole.textContent = this.box ? "Whole picture" : many ? "Frame the face" : "Place a box";
    this.next.textContent = place < 0 ? `${many} faces` : `Face ${place + 1} of ${many}`;
    this.root.dataset.box = this.box ? this.box.join() : "";
    const one = many > 1 ? `${many} faces were found: click one.` : many ? "A face was found." : "No face was found.";
    const how = "Drag the box or its corners; arrow keys move it, with Shift they size it.";
    this.note.textContent = this.box ? `${place < 0 ? "Your own box." : one} ${how}` : `${one} The model sees the whole picture.`;
    this.paper.setAttribute("aria-label", `Your picture, and the box that the model sees. ${this.note.textContent}`);
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  if (!frames.has(root)) frames.set(root, new Frame(root));
  const frame = frames.get(root);
  frame.send = setTriggerValue;
  let late = false; // newer data may arrive while older is decoded
  unpack(data).then((parcel) => late || frame.take(parcel));
  return () => { late = true; };
}
