// Slow motion: one step in phases; all is dim but what happens, and a sentence says what it is.
const PHASE = 1700; // milliseconds of a phase

// layers: where it happens; says(frame): the sentence; turn: who takes a step in it.
function phases(scene) {
  const { joint, x, z } = scene.sees, sequence = [], codes = z && !x && !joint;
  sequence.push({ layers: ["x", "z"], says: () => `Draw: ${scene.batch} points x of the data, and as many codes z of the prior.` });
  if (joint) sequence.push({ layers: ["x", "z_hat", "x_tilde", "z"], says: () => "E encodes x, G decodes z: now there are pairs (x, ẑ) and (x̃, z)." });
  else if (x) sequence.push({ layers: ["x_tilde", "z"], says: () => "G decodes z: x̃ stands beside the data x." });
  else sequence.push({ layers: ["z_hat", "x_rec"], says: () => "E encodes x, G decodes its code: x̂ stands beside x." });
  if (scene.guess) {
    const what = joint ? "pairs" : codes ? "codes" : "points";
    sequence.push({
      layers: ["belief", "probe"],
      says: () => `D looks at ${what}: blue where it believes that they come from the ${joint ? "encoder" : codes ? "data" : "data"}, orange from the ${codes ? "prior" : "decoder"}.`,
    });
    sequence.push({
      layers: ["belief", "probe"],
      turn: "discriminator",
      says: (frame, before) => before
        ? `D learns: its loss goes from ${round(before.losses.discriminator)} to ${round(frame.losses.discriminator)}; nothing else moves.`
        : `D learns from them: its loss is ${round(frame.losses.discriminator)}, and would be ${round(scene.guess)} if it guessed.`,
    });
  }
  const terms = Object.keys(scene.terms).map(called).join(", ");
  sequence.push({
    layers: ["x_tilde", "z_hat", "x_rec", "lattice", "pull"],
    turn: "generator",
    says: (frame, before) => `E and G learn${terms ? ` (${terms})` : ""}: samples and codes follow their arrows${before ? "" : "; then the next frame"}.`,
  });
  return sequence;
}

class Slow {
  constructor(lab) {
    this.lab = lab;
    this.paused = false;
  }

  // Begins, pauses, or goes on.
  toggle() {
    const { lab } = this;
    if (lab.phase < 0) {
      if (!lab.lanes?.length) return;
      if (lab.live?.state.playing) lab.order("pause");
      lab.playing = this.paused = false;
      this.enter(0);
    } else if (this.paused) {
      this.paused = false;
      this.next();
    } else {
      this.paused = true;
      clearTimeout(this.timer);
      lab.controls();
    }
    lab.tell();
  }

  end() {
    clearTimeout(this.timer);
    this.paused = false;
    this.lab.phase = -1;
  }

  async enter(number) {
    const { lab } = this, all = phases(lab.lanes[0].scene), phase = all[number], frames = lab.frames();
    lab.phase = number;
    let before = null;
    if (phase.turn && lab.live) {
      before = frames.at(-1);
      await lab.take(phase.turn);
      // the sentence speaks of the frame after it: five seconds are enough for one step
      for (let wait = 0; wait < 50 && lab.frames().at(-1) === before; wait++) await new Promise((done) => setTimeout(done, 100));
      if (lab.phase !== number) return;
    }
    const here = lab.live ? lab.frames().at(-1) : lab.lanes[0].at(lab.step).here;
    lab.say(`${number + 1} of ${all.length}. ${phase.says(here, before)}`);
    lab.controls();
    lab.draw();
    if (!this.paused) this.next();
  }

  next() {
    const { lab } = this, all = phases(lab.lanes[0].scene);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (lab.phase < 0 || !lab.root.isConnected) return;
      const last = lab.phase === all.length - 1;
      if (last && !lab.live) {
        const index = Math.floor(lab.index) + 1;
        if (index >= lab.frames().length) return lab.stop();
        lab.go(index);
      }
      this.enter((lab.phase + 1) % all.length);
    }, PHASE);
  }
}
