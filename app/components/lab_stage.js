// Rows, panels and buttons of the lab, and how much room they have: methods of Lab.
const stage = {
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
  },

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
  },

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
  },

  controls() {
    const { live } = this, mine = !live || live.secret, ended = live && (live.state.gone || !this.lanes.length);
    for (const element of [this.play, this.slow, this.speed, this.reset]) element.hidden = !mine;
    this.pointer.hidden = !this.sent.present;
    this.steps.hidden = !mine || !live; // a replay knows whole steps only
    for (const element of [this.play, this.slow, this.reset, ...this.steps.children]) element.disabled = Boolean(ended);
    this.play.textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    this.slow.setAttribute("aria-pressed", this.phase >= 0);
    this.slow.textContent = this.phase >= 0 ? (this.walk.paused ? "▶ Slow motion" : "❚❚ Slow motion") : "Slow motion";
    const making = live?.making;
    this.making.hidden = !making;
    this.making.value = making?.share ?? 0;
    let says = "";
    if (making) says = `Getting this run ready for your browser${making.says ? `: ${making.says}` : ""} …`;
    else if (live?.inTab) {
      const { state } = live;
      says = state.ended || (state.playing ? `training in this tab, ${Math.round(state.rate)} steps/s; it pauses while you look elsewhere.` : "paused; this tab trains it.");
    } else if (live) {
      const { state } = live;
      if (state.ended) says = state.ended;
      else if (state.waiting) says = `All places are taken: ${state.waiting} before you. It starts by itself.`;
      else if (!this.lanes.length) says = "Starting …";
      else says = `${state.playing ? `training on the server, ${Math.round(state.rate)} steps/s` : "paused"}; ${state.watchers} ${state.watchers === 1 ? "browser watches" : "browsers watch"}.`;
      if (!mine && !ended) says = `You are watching; only who started it steers. ${says}`;
    }
    this.status.textContent = says;
  },
};
