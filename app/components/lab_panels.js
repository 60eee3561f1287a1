// The two panels of a model: data space and latent space, drawn from a frame and the one after it.
const COLOURS = {
  x: "#0072B2", x_tilde: "#D55E00", x_rec: "#009E73", z_hat: "#56B4E9", z: "#E69F00", d: "#CC79A7", lattice: "#888888",
};
const MAP = 24, NODES = 17, DOT = 2.4;

// What a layer is called, its colour, and where it is drawn.
const LAYERS = {
  x: ["x data", COLOURS.x], x_tilde: ["x̃ generated", COLOURS.x_tilde], x_rec: ["x̂ reconstructed", COLOURS.x_rec],
  lattice: ["lattice", COLOURS.lattice], z_hat: ["ẑ codes", COLOURS.z_hat], z: ["z prior", COLOURS.z],
  ellipse: ["posterior", COLOURS.z_hat], belief: ["D's belief", COLOURS.d], pull: ["pulls", COLOURS.d],
  classes: ["classes", "linear-gradient(90deg,#e33,#ec3,#3b5,#38e,#a4d)"],
};
const MEANS = {
  x: "Points of the data that training does not see", x_tilde: "G(z): what the decoder makes of the prior's codes",
  x_rec: "G(E(x)), with an arrow from x", lattice: "A square lattice of codes, decoded: how G bends the latent space",
  z_hat: "E(x): where the encoder puts the data", z: "Codes drawn from the prior", ellipse: "q(z|x) of some points, two standard deviations",
  belief: "Blue: D believes that a pair comes from the encoder; orange: from the decoder", pull: "Down the gradient of E's and G's loss",
  classes: "Data and codes in the colours of their classes",
};

const hue = (label, count) => `hsl(${(360 * label) / Math.max(count, 1)} 65% 48%)`;

// Values between two frames, so that a replay moves at display rate.
function between({ here, next, share }, name) {
  const a = here.arrays[name], b = share && next.arrays[name]; // maps stay bytes, which is fine enough
  return b && b.length === a.length ? a.map((v, i) => v + share * (b[i] - v)) : a;
}

class Panel {
  constructor(canvas, space) {
    this.canvas = canvas;
    this.space = space; // "x" or "z"
    this.heat = new OffscreenCanvas(MAP, MAP);
  }

  lay(side) {
    const sharp = devicePixelRatio || 1;
    this.side = side;
    resize(this.canvas, Math.round(side * sharp), Math.round(side * sharp), 1 / sharp);
    this.pen = this.canvas.getContext("2d");
    this.pen.setTransform(sharp, 0, 0, sharp, 0, 0);
  }

  // Model units to pixels; up is up.
  place(a, b) {
    const [low, high] = this.bounds;
    return [(this.side * (a - low)) / (high - low), this.side * (1 - (b - low) / (high - low))];
  }

  draw(lane, moment, view, focus) {
    if (!this.pen) return; // not laid out yet: what has no width on the page gets none
    const { scene } = lane, { pen, side } = this, { layers } = view, { arrays } = scene;
    const at = (name) => between(moment, name), has = (name) => name in moment.here.arrays;
    this.bounds = this.space === "x" ? scene.bounds_x : scene.bounds_z;
    const dim = (...names) => (pen.globalAlpha = !focus || names.some((name) => focus.includes(name)) ? 1 : 0.12);
    pen.clearRect(0, 0, side, side);
    const map = `d_${this.space}`;
    if (layers.has("belief") && has(map)) {
      dim("belief");
      this.believe(at(map), this.space === "x" ? view.z : view.x);
    }
    dim();
    this.axes();
    if (this.space === "x" && arrays.centres) this.crosses(arrays.centres);
    const count = scene.label_names.length, byClass = (i) => hue(arrays.y[i], count), classes = layers.has("classes");
    if (this.space === "x") {
      if (layers.has("lattice")) dim("lattice"), this.lattice(at("lattice"));
      if (layers.has("x")) dim("x"), this.dots(arrays.x, classes ? byClass : () => COLOURS.x, 0.75);
      if (layers.has("x_rec")) dim("x_rec"), this.arrows(arrays.x, at("x_rec"));
      if (layers.has("x_tilde")) dim("x_tilde"), this.dots(at("x_tilde"), () => COLOURS.x_tilde, 0.9);
      if (layers.has("pull") && has("pull_x")) dim("pull"), this.pulls(at("x_tilde"), moment.here.arrays.pull_x);
      if (layers.has("belief") && scene.sees.joint) dim("probe"), this.probes(arrays.at_x, view.x, COLOURS.x);
    } else {
      if (layers.has("z")) dim("z"), this.dots(arrays.z, () => COLOURS.z, 0.75);
      if (layers.has("ellipse") && has("z_sd")) dim("ellipse"), this.ellipses(at("z_hat"), at("z_sd"), classes ? byClass : () => COLOURS.z_hat);
      if (layers.has("z_hat")) dim("z_hat"), this.dots(at("z_hat"), classes ? byClass : () => COLOURS.z_hat, 0.95);
      if (layers.has("pull") && has("pull_z")) dim("pull"), this.pulls(at("z_hat"), moment.here.arrays.pull_z);
      if (layers.has("belief") && scene.sees.joint) dim("probe"), this.probes(arrays.at_z, view.z, COLOURS.z);
    }
    pen.globalAlpha = 1;
  }

  axes() {
    const { pen, side } = this, [x, y] = this.place(0, 0);
    pen.globalAlpha = 0.25;
    pen.strokeStyle = "#888888";
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(0, y), pen.lineTo(side, y), pen.moveTo(x, 0), pen.lineTo(x, side);
    pen.stroke();
  }

  // Where the modes are.
  crosses(places) {
    const { pen } = this;
    pen.globalAlpha *= 0.6;
    pen.strokeStyle = "#888888";
    pen.lineWidth = 1;
    pen.beginPath();
    for (let i = 0; 2 * i < places.length; i++) {
      const [x, y] = this.place(places[2 * i], places[2 * i + 1]);
      pen.moveTo(x - 5, y), pen.lineTo(x + 5, y), pen.moveTo(x, y - 5), pen.lineTo(x, y + 5);
    }
    pen.stroke();
  }

  dots(points, colour, alpha) {
    const { pen } = this, strength = pen.globalAlpha * alpha, wide = Math.max(1.6, (DOT * this.side) / 330);
    pen.globalAlpha = strength;
    for (let i = 0; 2 * i < points.length; i++) {
      const [x, y] = this.place(points[2 * i], points[2 * i + 1]);
      pen.fillStyle = colour(i);
      pen.beginPath();
      pen.arc(x, y, wide, 0, 7);
      pen.fill();
    }
  }

  arrows(from, to) {
    const { pen } = this;
    pen.strokeStyle = pen.fillStyle = COLOURS.x_rec;
    pen.lineWidth = 1;
    for (let i = 0; 2 * i < to.length; i++) {
      const [a, b] = this.place(from[2 * i], from[2 * i + 1]), [x, y] = this.place(to[2 * i], to[2 * i + 1]);
      pen.beginPath();
      pen.moveTo(a, b), pen.lineTo(x, y);
      pen.stroke();
      pen.beginPath();
      pen.arc(x, y, 2, 0, 7);
      pen.fill();
    }
  }

  // Where the generator's loss falls; the long ones are cut.
  pulls(from, pull) {
    const { pen } = this, lengths = [];
    for (let i = 0; 2 * i < pull.length; i++) lengths.push(Math.hypot(pull[2 * i], pull[2 * i + 1]));
    const unit = this.side / 14 / (lengths.toSorted((a, b) => a - b)[Math.floor(0.8 * lengths.length)] || 1);
    pen.strokeStyle = COLOURS.d;
    pen.lineWidth = 1.5;
    lengths.forEach((length, i) => {
      const [x, y] = this.place(from[2 * i], from[2 * i + 1]), cut = Math.min(1, this.side / 8 / (length * unit || 1));
      const dx = pull[2 * i] * unit * cut, dy = -pull[2 * i + 1] * unit * cut, turn = Math.atan2(dy, dx);
      pen.beginPath();
      pen.moveTo(x, y), pen.lineTo(x + dx, y + dy);
      for (const side of [2.6, -2.6]) pen.moveTo(x + dx, y + dy), pen.lineTo(x + dx + 3.5 * Math.cos(turn + side), y + dy + 3.5 * Math.sin(turn + side));
      pen.stroke();
    });
  }

  // Lines of constant first and of constant second code, decoded.
  lattice(nodes) {
    const { pen } = this;
    pen.strokeStyle = COLOURS.lattice;
    pen.lineWidth = 0.8;
    pen.beginPath();
    for (let i = 0; i < NODES; i++) {
      for (let j = 0; j < NODES; j++) {
        const k = 2 * (i * NODES + j), [x, y] = this.place(nodes[k], nodes[k + 1]);
        if (j) pen.moveTo(...this.place(nodes[k - 2], nodes[k - 1])), pen.lineTo(x, y);
        if (i) pen.moveTo(...this.place(nodes[k - 2 * NODES], nodes[k - 2 * NODES + 1])), pen.lineTo(x, y);
      }
    }
    pen.stroke();
  }

  // Two standard deviations of q(z|x) for some of the points.
  ellipses(mean, sd, colour) {
    const { pen } = this, unit = this.side / (this.bounds[1] - this.bounds[0]);
    pen.lineWidth = 1.2;
    const every = Math.max(1, Math.floor(mean.length / 2 / 24));
    for (let i = 0; 2 * i < mean.length; i += every) {
      pen.strokeStyle = colour(i);
      pen.beginPath();
      pen.ellipse(...this.place(mean[2 * i], mean[2 * i + 1]), 2 * sd[2 * i] * unit, 2 * sd[2 * i + 1] * unit, 0, 0, 7);
      pen.stroke();
    }
  }

  // Blue: D believes that the pair came from the encoder; orange: from the decoder.
  believe(maps, chosen) {
    const { pen, side, heat } = this, size = MAP * MAP;
    const from = maps.length > size ? chosen * size : 0, image = new ImageData(MAP, MAP);
    for (let row = 0; row < MAP; row++) {
      for (let column = 0; column < MAP; column++) {
        const belief = maps[from + row * MAP + column] / 255, k = 4 * ((MAP - 1 - row) * MAP + column);
        image.data.set(belief > 0.5 ? [0, 114, 178] : [213, 94, 0], k);
        image.data[k + 3] = 255 * 0.7 * Math.abs(belief - 0.5);
      }
    }
    heat.getContext("2d").putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = true;
    pen.drawImage(heat, 0, 0, side, side);
  }

  probes(places, chosen, colour) {
    const { pen } = this;
    for (let i = 0; 2 * i < places.length; i++) {
      pen.strokeStyle = i === chosen ? colour : "#888888";
      pen.lineWidth = i === chosen ? 3 : 1;
      pen.beginPath();
      pen.arc(...this.place(places[2 * i], places[2 * i + 1]), i === chosen ? 8 : 4, 0, 7);
      pen.stroke();
    }
  }

  // The number of the place that is nearest to the pointer, and how far it is in pixels.
  nearest(points, event) {
    const box = this.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let best = -1, away = Infinity;
    for (let i = 0; 2 * i < points.length; i++) {
      const [a, b] = this.place(points[2 * i], points[2 * i + 1]), far = Math.hypot(a - x, b - y);
      if (far < away) [best, away] = [i, far];
    }
    return [best, away];
  }
}
