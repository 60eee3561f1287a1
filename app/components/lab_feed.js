// Frames of the lab: packs as ali_core/lab/packs.py writes them, from a recording or from a live run.
function* parted(buffer) {
  const view = new DataView(buffer);
  for (let at = 0; at < buffer.byteLength; ) {
    yield read(buffer, at + 4);
    at += 4 + view.getUint32(at, true);
  }
}

// A pack's JSON, its arrays as float32 in the units of the data (u1 stays as it is).
function read(buffer, at) {
  const size = new DataView(buffer).getUint32(at, true);
  const about = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, at + 4, size)));
  for (const [name, entry] of Object.entries(about.arrays)) {
    const count = entry.shape.reduce((a, b) => a * b, 1), from = at + 4 + size + entry.at;
    about.arrays[name] = entry.type === "u1"
      ? new Uint8Array(buffer.slice(from, from + count))
      : Float32Array.from(new Int16Array(buffer.slice(from, from + 2 * count)), (v) => v * entry.scale);
  }
  return about;
}

// One model: its scene and the frames so far.
class Lane {
  constructor() {
    this.scene = null;
    this.frames = [];
  }

  take(pack) {
    if (pack.kind === "scene") [this.scene, this.frames] = [pack, []];
    else if (pack.kind === "frame") {
      // a long live run keeps every second frame of what is past
      if (this.frames.length >= 400) this.frames = this.frames.filter((_, i) => i % 2 === 0 || i > 390);
      this.frames.push(pack);
    }
  }

  // The last frame that is not after a step, and how far the next one is: for drawing between them.
  at(step) {
    const { frames } = this;
    let low = 0, high = frames.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (frames[middle].step <= step) low = middle;
      else high = middle - 1;
    }
    const here = frames[low], next = frames[low + 1];
    return { here, next, share: next ? clamp((step - here.step) / (next.step - here.step), 0, 1) : 0 };
  }
}

const home = (path) => new URL(`live/${path}`, document.baseURI);

async function recorded(name) {
  const answer = await fetch(home(`recordings/${name}`));
  if (!answer.ok) throw new Error(await answer.text());
  const lane = new Lane();
  for (const pack of parted(await answer.arrayBuffer())) lane.take(pack);
  return lane;
}

// A live run: asks for what is newer, as long as somebody looks.
class Live {
  constructor(id, secret, heard) {
    const kept = `ali-run-${id}`;
    if (secret) sessionStorage.setItem(kept, secret); // a reload keeps the buttons
    this.id = id;
    this.secret = secret || sessionStorage.getItem(kept) || "";
    this.lanes = [];
    this.state = { playing: false, ended: "", waiting: 0, watchers: 1 };
    this.heard = heard;
    this.who = Math.random().toString(36).slice(2);
    this.seq = -1;
    this.open = true;
    this.listen();
  }

  async listen() {
    while (this.open) {
      if (document.hidden) {
        await new Promise((resolve) => addEventListener("visibilitychange", resolve, { once: true, capture: true }));
        continue;
      }
      try {
        const answer = await fetch(home(`frames?run=${this.id}.${this.seq}&who=${this.who}`));
        if (!answer.ok) throw new Error();
        const content = await answer.arrayBuffer();
        this.seq = new DataView(content).getUint32(0, true);
        for (const pack of parted(content.slice(4))) {
          if (pack.kind === "state") this.state = pack;
          else (this.lanes[pack.lane] ||= new Lane()).take(pack);
        }
      } catch {
        this.state = { ...this.state, ended: "The server does not answer; it is asked again." };
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }
      if (!this.open) return;
      this.heard();
      if (this.state.gone) return;
    }
  }

  async tell(what, more = {}) {
    const body = JSON.stringify({ run: this.id, secret: this.secret, do: what, ...more });
    const answer = await fetch(home("do"), { method: "POST", body, headers: { "Content-Type": "application/json" } });
    return answer.ok ? "" : answer.text();
  }

  close() {
    this.open = false;
  }
}
