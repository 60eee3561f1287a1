// The lab: one or two models on one clock, recorded or live. Python sends only what is shown.
const labs = new WeakMap();
const SPEEDS = { replay: [[2, "2 frames/s"], [5, "5 frames/s"], [10, "10 frames/s"], [25, "25 frames/s"]],
  live: [[2, "2 steps/s"], [10, "10 steps/s"], [50, "50 steps/s"], [0, "as fast as it goes"]] };

class Lab {
  constructor(root) {
    this.root = root;
    for (const name of ["layers", "rows", "note", "time", "play", "slow", "speed", "reset", "steps", "status"]) this[name] = root.querySelector("." + name);
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
    this.far = (event) => this.sent?.present && !root.contains(event.target) && this.press(event);
    this.observer = new ResizeObserver(() => this.lay());
  }

  // ---- what Python sends

  async show(sent) {
    const runs = JSON.stringify(sent.runs), same = this.runs === runs, begin = sent.play && !this.sent?.play;
    this.sent = sent;
    this.root.classList.toggle("present", sent.present);
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
    if (sent.runs[0].run) {
      this.live = new Live(sent.runs[0].run, sent.runs[0].secret, () => this.heard());
      this.follow = true;
      this.told = null;
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

  build() {
    while (this.rows.children.length < this.sent.runs.length) {
      const row = this.root.querySelector("template").content.firstElementChild.cloneNode(true);
      const number = this.rows.children.length;
      row.querySelector(".title").textContent = this.sent.runs[number]?.title ?? "";
      row.querySelectorAll("canvas.space").forEach((canvas) => {
        const panel = new Panel(canvas, canvas.dataset.space);
        panel.lane = number;
        canvas.onclick = (event) => this.probe(panel, event);
        canvas.onpointermove = (event) => this.hover(panel, event);
        canvas.onpointerleave = () => this.say("");
        canvas.onkeydown = (event) => event.key === "Enter" && this.probe(panel, null);
        this.panels.push(panel);
      });
      this.rows.append(row);
    }
    this.toggles();
    this.lay();
  }

  toggles() {
    const scenes = this.lanes.map((lane) => lane.scene);
    if (!scenes.length) return;
    const useful = (name) => scenes.some((scene) => ({ belief: scene.guess, ellipse: scene.stochastic, classes: scene.label_names.length > 1 })[name] ?? true);
    const names = Object.keys(LAYERS).filter(useful);
    if (this.layers.dataset.names !== names.join()) {
      this.layers.dataset.names = names.join();
      this.layers.replaceChildren(...names.map((name) => {
        const button = document.createElement("button"), [says, colour] = LAYERS[name];
        button.type = "button";
        button.dataset.layer = name;
        button.innerHTML = "<i></i><span></span>";
        button.firstChild.style.background = colour;
        button.lastChild.textContent = says;
        button.title = MEANS[name];
        button.onclick = () => {
          this.view.layers.has(name) ? this.view.layers.delete(name) : this.view.layers.add(name);
          this.toggles();
          this.draw();
          this.tell();
        };
        return button;
      }));
    }
    for (const button of this.layers.children) button.setAttribute("aria-pressed", this.view.layers.has(button.dataset.layer));
    this.root.dataset.layers = [...this.view.layers].join();
  }

  // ---- sizes

  lay() {
    const wide = this.root.clientWidth, count = this.rows.children.length;
    if (!wide || !count) return this.controls();
    const narrow = wide < (count > 1 ? 480 : 640), aside = narrow ? 0 : 190, large = this.sent.present ? 20 : 0;
    const high = (this.sent.height - 178 - large) / count - 26, room = narrow ? (wide - 16) / 2 : (wide - aside - 32) / 2;
    const side = Math.floor(clamp(narrow ? room : Math.min(room, high), 120, 640));
    this.side = side;
    this.root.classList.toggle("narrow", narrow);
    for (const panel of this.panels) panel.lay(side);
    for (const row of this.rows.children) row.querySelector(".aside").style.maxHeight = narrow ? "none" : `${side + 24}px`;
    this.lines = narrow ? [wide - 12, 70] : [clamp(wide - 2 * side - 40, 180, 420), clamp(side / 3.2, 44, 100)];
    this.root.classList.toggle("roomy", count > 1 && this.lines[0] >= 300);
    this.controls();
    this.draw();
  }

  controls() {
    const { live } = this, mine = !live || live.secret, ended = live && (live.state.gone || !this.lanes.length);
    for (const element of [this.play, this.slow, this.speed, this.reset]) element.hidden = !mine;
    this.steps.hidden = !mine || !live; // a replay knows whole steps only
    for (const element of [this.play, this.slow, this.reset, ...this.steps.children]) element.disabled = Boolean(ended);
    this.play.textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    this.slow.setAttribute("aria-pressed", this.phase >= 0);
    this.slow.textContent = this.phase >= 0 ? (this.walk.paused ? "▶ Slow motion" : "❚❚ Slow motion") : "Slow motion";
    let says = "";
    if (live) {
      const { state } = live;
      if (state.ended) says = state.ended;
      else if (state.waiting) says = `All places are taken: ${state.waiting} before you. It starts by itself.`;
      else if (!this.lanes.length) says = "Starting …";
      else says = `${state.playing ? `training, ${Math.round(state.rate)} steps/s` : "paused"}; ${state.watchers} ${state.watchers === 1 ? "browser watches" : "browsers watch"}.`;
      if (!mine && !ended) says = `You are watching; only who started it steers. ${says}`;
    }
    this.status.textContent = says;
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
      this.paint();
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
      if (JSON.stringify(view) === this.told) return;
      this.told = JSON.stringify(view);
      this.state("view", view);
    }, 500);
  }
}

Object.assign(Lab.prototype, hands);

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
      lab.live?.close();
    });
  };
}
