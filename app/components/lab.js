// The lab: one or two models on one clock, recorded or live. Python sends only what is shown.
const labs = new WeakMap();
const SPEEDS = { replay: [[2, "2 frames/s"], [5, "5 frames/s"], [10, "10 frames/s"], [25, "25 frames/s"]],
  live: [[2, "2 steps/s"], [10, "10 steps/s"], [50, "50 steps/s"], [0, "as fast as it goes"]] };

class Lab {
  constructor(root) {
    this.root = root;
    for (const name of ["layers", "rows", "note", "making", "time", "play", "slow", "speed", "reset", "steps", "pointer", "status"]) this[name] = root.querySelector("." + name);
    this.view = null;
    this.step = 0; // of the clock
    this.playing = this.dirty = false;
    this.phase = -1; // of slow motion; -1 outside of it
    this.walk = new Slow(this);
    this.panels = [];
    this.play.onclick = () => this.toggle();
    this.slow.onclick = () => this.walk.toggle();
    this.reset.onclick = () => this.again();
    this.speed.onchange = () => this.hurry(Number(this.speed.value));
    this.time.oninput = () => this.scrub(Number(this.time.value));
    this.time.onchange = () => this.tell();
    this.steps.onclick = (event) => event.target.dataset.turn && this.take(event.target.dataset.turn);
    root.onkeydown = (event) => this.press(event);
    this.pointer.onclick = () => this.aim();
    root.onpointerover = root.onpointerdown = (event) => this.point(event.target);
    root.onpointerleave = (event) => event.pointerType !== "touch" && this.point(null);
    this.far = (event) => this.sent?.present && !root.contains(event.target) && this.press(event);
    this.observer = new ResizeObserver(() => this.lay());
  }

  // ---- what Python sends

  async show(sent) {
    const runs = JSON.stringify(sent.runs), same = this.runs === runs, begin = sent.play && !this.sent?.play;
    this.sent = sent;
    this.root.classList.toggle("present", sent.present);
    if (!sent.present && this.root.classList.contains("pointing")) this.aim(); // its button goes too
    this.root.classList.toggle("locked", sent.locked);
    this.root.style.minHeight = `${sent.height}px`;
    if (same) {
      this.lay();
      return begin && this.lanes.length && this.toggle();
    }
    this.runs = runs;
    this.stop();
    this.live?.close();
    this.live = null;
    this.lanes = [];
    this.rows.replaceChildren();
    this.panels = [];
    const { layers, x, z, step, speed } = sent.view;
    this.view = { layers: new Set(layers), x, z };
    this.note.textContent = "Loading …";
    if (sent.runs[0].in_tab) {
      this.live = TabRun.of(runs, sent.runs, () => this.heard(), (says) => this.trigger("lost", says));
      this.follow = true;
      this.sentView = null;
    } else if (sent.runs[0].run) {
      this.live = new Live(sent.runs[0].run, sent.runs[0].secret, () => this.heard());
      this.follow = true;
      this.sentView = null;
    } else {
      try {
        const lanes = await Promise.all(sent.runs.map((one) => recorded(one.recording)));
        if (this.runs !== runs) return; // another choice came in between
        this.lanes = lanes;
      } catch (error) {
        this.note.textContent = error.message;
        return;
      }
    }
    const options = SPEEDS[this.live ? "live" : "replay"].map(([value, name]) => new Option(name, value));
    this.speed.replaceChildren(...options);
    this.speed.value = speed ?? (this.live ? 0 : 5);
    this.note.textContent = sent.locked ? "Predict first; then it runs." : "";
    this.build();
    this.scrub(step ?? 0, false);
    if (sent.view.slow) this.walk.toggle();
    else if (sent.play && !this.live) this.toggle();
  }

  // The live run has news.
  heard() {
    const { live } = this;
    this.lanes = live.lanes.every((lane) => lane?.frames.length) ? live.lanes : [];
    this.build();
    const steps = this.lanes[0]?.frames;
    if (steps?.length && this.follow) this.scrub(steps.at(-1).step, true);
    this.playing = live.state.playing;
    this.lay();
  }

  // ---- the clock

  frames() {
    return this.lanes[0]?.frames ?? [];
  }

  scrub(step, quiet) {
    const frames = this.frames();
    if (!frames.length) return;
    if (!quiet && this.live) this.follow = step >= frames.at(-1).step;
    this.step = clamp(step, frames[0].step, frames.at(-1).step);
    // the slider counts frames, which are denser where more happens
    this.time.max = frames.length - 1;
    this.draw();
  }

  // The clock as a number of frames, and back.
  get index() {
    const { here, share } = this.lanes[0].at(this.step);
    return this.frames().indexOf(here) + share;
  }

  go(index) {
    const frames = this.frames(), low = clamp(Math.floor(index), 0, frames.length - 1), high = Math.min(low + 1, frames.length - 1);
    this.scrub(frames[low].step + (index - low) * (frames[high].step - frames[low].step));
  }

  tick(time) {
    if (!this.playing || this.live || !this.root.isConnected) return;
    const last = this.frames().length - 1, passed = (time - (this.last ?? time)) / 1000;
    this.last = time;
    this.running += passed * Number(this.speed.value);
    this.go(calm() ? Math.floor(this.running) : Math.min(this.running, last));
    if (this.running >= last) return this.stop();
    requestAnimationFrame((next) => this.tick(next));
  }

  stop() {
    this.walk.end();
    this.playing = false;
    this.controls();
    if (this.lanes?.length) this.draw();
    this.tell();
  }

  async toggle() {
    if (this.phase >= 0) return this.stop();
    if (this.live) {
      this.follow = true;
      return this.order(this.live.state.playing ? "pause" : "play", { speed: Number(this.speed.value) });
    }
    if (this.playing) return this.stop();
    this.say("");
    this.playing = true;
    this.running = this.index >= this.frames().length - 1 ? 0 : this.index;
    this.last = null;
    this.controls();
    requestAnimationFrame((time) => this.tick(time));
  }

  async order(what, more) {
    const sentence = await this.live.tell(what, more).catch(() => "The server does not answer; try again.");
    if (sentence) this.say(sentence);
  }

  take(turn) {
    if (this.live) return (this.follow = true), this.order("step", { turn });
    this.stop();
    this.go(Math.floor(this.index) + 1);
    this.say("A replay goes from frame to frame; turns of D, of E and G are for live runs.");
  }

  again() {
    this.stop();
    if (this.live) return (this.follow = true), this.order("reset");
    this.go(0);
  }

  hurry(speed) {
    if (this.live) this.order("speed", { speed });
    this.tell();
  }

  // ---- drawing

  say(text) {
    this.note.textContent = text;
  }

  draw() {
    if (this.dirty || !this.lanes?.length) return;
    this.dirty = true;
    requestAnimationFrame(() => {
      this.dirty = false;
      if (this.lanes.length) this.paint(); // another run may have come in between
    });
  }

  paint() {
    const focus = this.phase >= 0 ? phases(this.lanes[0].scene)[this.phase].layers : null;
    const view = focus ? { ...this.view, layers: new Set([...this.view.layers, ...focus]) } : this.view;
    this.lanes.forEach((lane, number) => {
      const row = this.rows.children[number];
      if (!row || !lane.frames.length) return;
      const moment = lane.at(this.step), numbers = measured(lane.scene, moment.here);
      const words = numbers.map(([name, value]) => `${name} ${value}`).join(", ");
      for (const panel of this.panels.filter((one) => one.lane === number)) {
        panel.draw(lane, moment, view, focus);
        panel.canvas.setAttribute("aria-label", `${panel.space === "x" ? "Data space" : "Latent space"} of ${lane.scene.member}: ${words}`);
      }
      list(row.querySelector(".numbers"), numbers);
      chart(row.querySelector(".lines"), lane, this.step, ...this.lines);
    });
    const { here } = this.lanes[0].at(this.step);
    this.time.value = this.frames().indexOf(here);
    this.time.setAttribute("aria-valuetext", `step ${here.step}`);
    this.root.dataset.step = here.step;
    this.root.dataset.frames = this.frames().length;
    this.root.dataset.z = this.view.z;
    this.root.dataset.x = this.view.x;
  }

  // What belongs into the link, once it has come to rest.
  tell() {
    clearTimeout(this.telling);
    if (!this.view || !this.state) return;
    this.telling = setTimeout(() => {
      if (this.playing || !this.root.isConnected || !this.lanes?.length) return;
      const { layers, x, z } = this.view, view = { layers: [...layers], x, z, step: Math.round(this.step), speed: Number(this.speed.value), slow: Number(this.phase >= 0) };
      if (JSON.stringify(view) === this.sentView) return;
      this.sentView = JSON.stringify(view);
      this.state("view", view);
    }, 500);
  }
}

Object.assign(Lab.prototype, stage, hands);

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  if (!labs.has(root)) labs.set(root, new Lab(root));
  const lab = labs.get(root);
  lab.state = setStateValue;
  lab.trigger = setTriggerValue;
  lab.observer.observe(root);
  window.addEventListener("keydown", lab.far);
  lab.show(data);
  return () => {
    lab.observer.disconnect();
    window.removeEventListener("keydown", lab.far);
    setTimeout(() => {
      if (root.isConnected) return;
      lab.stop();
      lab.live?.inTab ? lab.live.rest() : lab.live?.close();
    });
  };
}
