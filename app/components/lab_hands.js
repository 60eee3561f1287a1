// What pointers and keys do in the lab: methods of Lab.
const hands = {
  probe(panel, event) {
    const lane = this.lanes[panel.lane];
    if (!lane) return;
    const places = lane.scene.arrays[`at_${panel.space}`];
    if (!lane.scene.sees.joint) return;
    this.view[panel.space] = event ? panel.nearest(places, event)[0] : (this.view[panel.space] + 1) % (places.length / 2);
    const k = 2 * this.view[panel.space], at = `(${round(places[k], 1)}, ${round(places[k + 1], 1)})`;
    this.say(panel.space === "z" ? `Data space shows where D believes in a pair with z = ${at}.` : `Latent space shows where D believes in a pair with x = ${at}.`);
    this.draw();
    this.tell();
  },

  hover(panel, event) {
    if (!this.lanes[panel.lane] || this.phase >= 0 || event.pointerType === "touch") return;
    const lane = this.lanes[panel.lane], { here } = lane.at(this.step), { arrays, label_names: names } = lane.scene;
    const [i, away] = panel.nearest(panel.space === "x" ? arrays.x : here.arrays.z_hat, event);
    if (away > 14) return;
    const pair = (values) => `(${round(values[2 * i], 2)}, ${round(values[2 * i + 1], 2)})`;
    this.say(`x ${pair(arrays.x)}, ${names[arrays.y[i]]}: its code ẑ ${pair(here.arrays.z_hat)}, its reconstruction ${pair(here.arrays.x_rec)}.`);
  },

  // The pointer without a laser: what it is on stays lit, all else dims; a finger lights what it taps.
  aim() {
    const on = this.root.classList.toggle("pointing");
    this.pointer.setAttribute("aria-pressed", on);
    this.point(null);
  },

  point(target) {
    for (const lit of this.root.querySelectorAll(".lit")) lit.classList.remove("lit");
    const part = this.root.classList.contains("pointing") && target?.closest(".row > *");
    if (part) for (const one of [part, part.parentElement, this.rows]) one.classList.add("lit");
  },

  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !this.lanes?.length) return;
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.composedPath()[0].tagName);
    if (typing && event.composedPath()[0] !== this.time) return;
    if (/^[1-8]$/.test(event.key) && this.sent.present) {
      event.preventDefault();
      return this.trigger("lesson", Number(event.key));
    }
    if (this.sent.locked) return;
    const steer = !this.live || this.live.secret, index = Math.round(this.index), last = this.frames().length - 1;
    const jump = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: last }[event.key];
    const turn = { d: "discriminator", g: "generator", b: "both" }[event.key];
    if (jump !== undefined) {
      if (!this.live) this.stop();
      this.go(clamp(jump, 0, last));
    } else if (event.key === " " && steer) {
      if (event.composedPath()[0].tagName === "BUTTON") return;
      this.toggle();
    } else if (turn && steer) this.take(turn);
    else if (event.key === "s" && steer) this.walk.toggle();
    else if (event.key === "p" && this.sent.present) this.aim();
    else return;
    event.preventDefault();
    event.stopPropagation();
  },
};
