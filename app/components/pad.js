// A crosshair in a square of blends: pointer and arrow keys move it, the server hears where it came to rest.
const squares = new WeakMap();

class Square {
  constructor(root) {
    this.root = root;
    this.sent = new Set();
    [this.grid, this.picture] = root.querySelectorAll("canvas");
    for (const name of ["note", "handle", "here", "across", "down", "blend"]) {
      this[name] = root.querySelector("." + name);
    }
    this.handle.onpointerdown = (event) => {
      this.handle.setPointerCapture(event.pointerId);
      this.follow(event);
    };
    this.handle.onpointermove = (event) => {
      if (this.handle.hasPointerCapture(event.pointerId)) this.follow(event);
    };
    this.handle.onpointerup = () => this.rest(0);
    this.handle.onkeydown = (event) => this.press(event);
    this.observer = new ResizeObserver(() => this.lay());
  }

  // Codes instead of pictures: these are decoded here, and those between them too
  async make(parcel) {
    const { n } = parcel;
    if (parcel.codes) parcel.sheet = new OffscreenCanvas(n * parcel.w, n * parcel.h);
    this.take(parcel);
    const maker = await Maker.of(parcel, this.send, (share, says) => { this.waits = this.note.textContent = says; });
    this.waits = null;
    if (this.parcel !== parcel || !maker) return;
    this.maker = maker;
    const [row, column] = this.cell, first = row * n + column, wanted = new Set([first]);
    for (let at = 0; at < n * n; at++) if (this.drawn(Math.floor(at / n), at % n)) wanted.add(at);
    await maker.fill([...wanted], n, () => this.parcel === parcel && this.lay());
    this.root.dataset.made = wanted.size;
  }

  // Whether the square shows this blend: all where they fit at full size, else the four corners
  drawn(row, column) {
    const { n } = this.parcel;
    return this.all || (row % (n - 1) === 0 && column % (n - 1) === 0);
  }

  take(parcel) {
    this.parcel = parcel;
    this.maker = null;
    delete this.root.dataset.made;
    // a link or the Back button moves the crosshair; the echo of what was sent from here does not
    const said = String(parcel.cell);
    if (!this.cell || (said !== this.said && !this.sent.has(said))) [this.cell, this.at] = [parcel.cell, parcel.cell];
    if (said === this.latest) this.sent.clear();
    this.said = said;
    this.lay();
  }

  lay() {
    if (!this.parcel || !this.root.clientWidth) return;
    const { w, h, n } = this.parcel, room = Math.min(this.root.clientWidth - 2, 290);
    const scale = Math.max(1, Math.floor(Math.min(this.blend.clientWidth, room) / w));
    resize(this.picture, w, h, Math.max(1, Math.min(scale, Math.floor((this.blend.clientHeight - 2) / h))));
    // all blends where they fit at full size, else the four corners with room between them
    const all = (this.all = n * w <= room);
    this.cellSide = all ? w : Math.floor(room / n);
    const side = this.cellSide * n;
    resize(this.grid, side, side, 1);
    const context = this.grid.getContext("2d");
    context.clearRect(0, 0, side, side);
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < n; column++) {
        if (!this.drawn(row, column)) continue;
        const x = all ? column * w : column ? side - w : 0, y = all ? row * h : row ? side - h : 0;
        tile(context, this.parcel, column, row, x, y);
      }
    }
    this.show(this.at);
  }

  // The crosshair stands at [row, column], between the cells too where the pictures are decoded here
  show(at) {
    const [row, column] = at, { n } = this.parcel, side = this.cellSide;
    this.at = at;
    this.cell = at.map(Math.round);
    const whole = String(this.cell) === String(at);
    if (this.maker && !(whole && this.drawn(row, column))) this.between(at);
    else this.paint((context) => {
      context.clearRect(0, 0, this.picture.width, this.picture.height);
      tile(context, this.parcel, this.cell[1], this.cell[0], 0, 0);
    });
    Object.assign(this.here.style, { width: `${side}px`, height: `${side}px` });
    this.here.style.transform = `translate(${column * side}px, ${row * side}px)`;
    this.across.style.transform = `translateY(${Math.round((row + 0.5) * side)}px)`;
    this.down.style.transform = `translateX(${Math.round((column + 0.5) * side)}px)`;
    const right = column / (n - 1), low = row / (n - 1);
    const shares = [(1 - low) * (1 - right), (1 - low) * right, low * (1 - right), low * right];
    const names = ["A", "B", "C", "D"];
    const parts = shares.map((share, i) => [Math.round(100 * share), names[i]]).filter(([share]) => share);
    const blend = parts.map(([share, name]) => `${share} % ${name}`).join(" · ");
    this.note.textContent = this.waits ?? `${blend}\n${this.parcel.notes[this.cell[0] * n + this.cell[1]]}`;
    this.picture.setAttribute("aria-label", this.note.textContent);
    this.root.dataset.cell = String(this.cell);
  }

  paint(draw) {
    draw(this.picture.getContext("2d"));
    this.root.dataset.shown = +(this.root.dataset.shown ?? 0) + 1;
  }

  async between(at) {
    const { n } = this.parcel, [row, column] = at.map((one) => Math.min(Math.floor(one), n - 2));
    const [down, right] = [at[0] - row, at[1] - column], first = row * n + column;
    const parts = [[first, (1 - down) * (1 - right)], [first + 1, (1 - down) * right],
      [first + n, down * (1 - right)], [first + n + 1, down * right]];
    const picture = await this.maker.at(parts.filter(([, share]) => share)).catch(() => null);
    if (picture) this.paint((context) => context.putImageData(picture, 0, 0));
  }

  follow(event) {
    if (!this.parcel) return;
    const box = this.grid.getBoundingClientRect(), last = this.parcel.n - 1;
    const whole = (pixels) => clamp(Math.floor(pixels / this.cellSide), 0, last);
    const at = this.maker ? (pixels) => clamp(pixels / this.cellSide - 0.5, 0, last) : whole;
    this.show([at(event.clientY - box.top), at(event.clientX - box.left)]);
  }

  press(event) {
    if (!this.parcel || event.ctrlKey || event.altKey || event.metaKey) return;
    const last = this.parcel.n - 1, [row, column] = this.cell;
    const to = {
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
      Home: [0, 0], End: [last, last],
    }[event.key];
    if (!to) return;
    this.show(to.map((value) => clamp(value, 0, last)));
    this.rest(300); // held keys repeat: wait until they rest
    event.preventDefault();
    event.stopPropagation();
  }

  rest(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (!this.cell || String(this.cell) === this.said) return;
      this.latest = String(this.cell);
      this.sent.add(this.latest);
      this.send("cell", this.cell);
    }, wait);
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".root");
  if (!squares.has(root)) squares.set(root, new Square(root));
  const square = squares.get(root);
  square.send = setStateValue;
  square.observer.observe(root);
  let late = false; // newer data may arrive while older is decoded
  unpack(data).then((parcel) => late || square.make(parcel));
  return () => {
    late = true;
    square.observer.disconnect();
  };
}
