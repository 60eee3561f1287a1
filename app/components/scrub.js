// The film strip under the picture is the slider: pointer, arrows, Home, End; space plays to and fro.
const players = new WeakMap();

class Player {
  constructor(root) {
    this.root = root;
    for (const name of ["bars", "note", "legend", "handle", "here", "play", "keep"]) this[name] = root.querySelector("." + name);
    [this.picture, this.strip, this.thumb] = [".large", ".film", ".thumb"].map((part) => root.querySelector(part));
    this.ends = root.querySelectorAll(".end");
    this.at = null; // where on the path, in frames; this.frame is the nearest one
    this.timer = 0;
    this.step = 1;
    this.pause();
    this.handle.onpointerdown = (event) => {
      this.pause();
      this.handle.setPointerCapture(event.pointerId);
      this.follow(event);
    };
    this.handle.onpointermove = (event) => {
      if (this.handle.hasPointerCapture(event.pointerId)) this.follow(event);
    };
    this.handle.onkeydown = (event) => this.press(event);
    this.play.onclick = () => (this.timer ? this.pause() : this.start());
    this.keep.onclick = () => this.parcel && this.send("keep", this.at);
    this.observer = new ResizeObserver(() => this.lay());
  }

  // Codes instead of pictures: these are decoded here, and those between them too
  async make(parcel) {
    const n = parcel.notes.length;
    if (parcel.codes) parcel.sheet = blank(parcel, n + 2, 1, n);
    this.take(parcel);
    const maker = await Maker.of(parcel, this.tell, (share, says) => { this.waits = this.note.textContent = says; });
    this.waits = null;
    if (this.parcel !== parcel || !maker) return;
    this.maker = maker;
    const first = Math.round(this.at), all = [...Array(n).keys()];
    await maker.fill([first, ...all.filter((at) => at !== first)], n + 2, () => this.parcel === parcel && this.lay());
    this.root.dataset.made = n;
  }

  take(parcel) {
    this.parcel = parcel;
    this.maker = null;
    delete this.root.dataset.made;
    this.legend.textContent = parcel.legend;
    const last = parcel.notes.length - 1;
    this.at = this.at === null ? Math.floor(last / 2) : Math.min(this.at, last);
    this.handle.setAttribute("aria-valuemin", 1);
    this.handle.setAttribute("aria-valuemax", last + 1);
    this.lay();
  }

  // Fits whole multiples of the pictures into the room there is.
  lay() {
    if (!this.parcel || !this.root.clientWidth) return;
    const { w, h, notes, gap } = this.parcel, room = this.root.clientWidth - 2;
    const stage = this.picture.parentElement.clientHeight - 2;
    // the ends take what leaves the frame between them at least twice their size
    const left = (small) => Math.floor((room - 2 * (w * small + 2 + gap)) / w);
    let small = Math.max(1, Math.floor(112 / h));
    while (small > 1 && left(small) < 2 * small) small--;
    resize(this.picture, w, h, clamp(Math.floor(stage / h), 1, Math.max(1, left(small))));
    this.ends.forEach((end, i) => {
      resize(end, w, h, small);
      tile(end.getContext("2d"), this.parcel, this.parcel.ends[i], 0, 0, 0);
      end.setAttribute("aria-label", this.parcel.says[i]);
    });
    let scale = Math.max(1, Math.floor(64 / h));
    while (scale > 1 && Math.floor(room / (w * scale)) < Math.min(notes.length, 10)) scale--;
    // where not all frames have room, the strip shows evenly chosen ones
    const shown = clamp(Math.floor(room / (w * scale)), 1, notes.length);
    resize(this.strip, shown * w, h, scale);
    const context = this.strip.getContext("2d");
    for (let i = 0; i < shown; i++) {
      const frame = shown > 1 ? Math.round((i * (notes.length - 1)) / (shown - 1)) : 0;
      tile(context, this.parcel, frame, 0, i * w, 0);
    }
    this.tile = w * scale;
    this.long = shown * this.tile;
    resize(this.thumb, w, h, scale);
    if (this.at !== null) this.show(this.at);
  }

  // How many real pictures are near each frame, on a root scale, so that few differs from none.
  count() {
    const { near } = this.parcel, high = 28, sharp = devicePixelRatio || 1;
    resize(this.bars, Math.round(this.long * sharp), high * sharp, 1 / sharp);
    const context = this.bars.getContext("2d");
    context.scale(sharp, sharp);
    const most = Math.sqrt(Math.max(...near, 1));
    const wide = clamp((this.long - this.tile) / near.length - 2, 2, 14);
    near.forEach((count, frame) => {
      const bar = 1 + (high - 1) * (Math.sqrt(count) / most);
      context.fillStyle = frame === this.frame ? "#D55E00" : count ? "#56B4E9" : "#888888";
      context.fillRect(this.place(frame) - wide / 2, high - bar, wide, bar);
    });
  }

  // The first and last frame stand in the middles of the first and last picture.
  place(frame) {
    return this.tile / 2 + (this.long - this.tile) * (frame / Math.max(this.parcel.notes.length - 1, 1));
  }

  show(at) {
    const { notes, key } = this.parcel, frame = Math.round(at);
    this.at = at;
    this.frame = frame;
    if (this.maker && at !== frame) this.between(at);
    else this.paint((context) => {
      context.clearRect(0, 0, this.parcel.w, this.parcel.h);
      tile(context, this.parcel, frame, 0, 0, 0);
    });
    this.picture.setAttribute("aria-label", notes[frame]);
    this.note.textContent = this.waits ?? notes[frame];
    this.handle.setAttribute("aria-valuenow", frame + 1);
    this.handle.setAttribute("aria-valuetext", notes[frame]);
    const start = (this.handle.clientWidth - this.long) / 2;
    this.here.style.transform = `translateX(${start + this.place(at) - this.tile / 2 - 2}px)`;
    this.count();
    this.root.dataset.frame = frame;
    (window.aliFrames ||= {})[key] = frame; // for a map that comes later
    window.dispatchEvent(new CustomEvent("ali-frame", { detail: { key, frame } }));
  }

  paint(draw) {
    for (const canvas of [this.picture, this.thumb]) draw(canvas.getContext("2d"));
    this.root.dataset.shown = +(this.root.dataset.shown ?? 0) + 1;
  }

  // The picture of a place between two frames
  async between(at) {
    const from = Math.floor(at), picture = await this.maker.at([[from, from + 1 - at], [from + 1, at - from]]).catch(() => null);
    if (picture && this.at !== Math.round(this.at)) this.paint((context) => context.putImageData(picture, 0, 0));
  }

  follow(event) {
    if (!this.parcel) return;
    const x = event.clientX - this.strip.getBoundingClientRect().left - this.tile / 2;
    const last = this.parcel.notes.length - 1;
    const at = clamp((x / Math.max(this.long - this.tile, 1)) * last, 0, last);
    this.show(this.maker ? at : Math.round(at));
  }

  press(event) {
    if (!this.parcel || event.ctrlKey || event.altKey || event.metaKey) return;
    const last = this.parcel.notes.length - 1, { frame } = this;
    const to = {
      ArrowLeft: frame - 1, ArrowDown: frame - 1, ArrowRight: frame + 1, ArrowUp: frame + 1,
      PageDown: frame - 5, PageUp: frame + 5, Home: 0, End: last,
    }[event.key];
    if (to !== undefined) {
      this.pause();
      this.show(clamp(to, 0, last));
    } else if (event.key === " ") this.play.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  start() {
    if (!this.parcel || this.parcel.notes.length < 2) return;
    this.play.textContent = "❚❚ Pause";
    const smooth = this.maker && !calm(), part = smooth ? 0.4 : 1;
    this.timer = setInterval(() => {
      const last = this.parcel.notes.length - 1, at = smooth ? this.at : this.frame;
      if (at + this.step * part < 0 || at + this.step * part > last) this.step = -this.step;
      this.show(clamp(at + this.step * part, 0, last));
    }, smooth ? 33 : calm() ? 400 : 83);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    this.play.textContent = "▶ Play";
  }
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  if (!players.has(root)) players.set(root, new Player(root));
  const player = players.get(root);
  player.send = setTriggerValue;
  player.tell = setStateValue;
  player.observer.observe(root);
  let late = false; // newer data may arrive while older is decoded
  unpack(data).then((parcel) => late || player.make(parcel));
  return () => {
    late = true;
    player.observer.disconnect();
    if (!root.isConnected) player.pause();
  };
}
