// Losses as lines over the frames, and the numbers of a step.
const LINES = { discriminator: COLOURS.d, generator: COLOURS.x_tilde };
const NAMES = { discriminator: "loss of D", generator: "loss of E, G", negative_elbo: "−ELBO" };

const round = (value, digits = 3) =>
  value === null || value === undefined ? "–" : Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(digits).replace("-", "−");

function called(name) {
  if (name in NAMES) return NAMES[name];
  if (name.startsWith("match_")) return name === "match_0" ? "JS, at least" : `JS ${Number(name.slice(6)) + 1}, at least`;
  return name.replace("term_", "").replaceAll("_", " ");
}

// [name, value, what it means] of everything that is measured at a frame.
function measured(scene, frame) {
  const rows = [["step", frame.step.toLocaleString("en"), "Steps taken, each on a batch of its own."]];
  if (frame.modes !== null) {
    rows.push(["modes found", `${frame.modes} / ${scene.modes}`, "Of 2,500 samples, at least one within 3 sd of the mode."]);
    rows.push(["good samples", `${round(100 * frame.good, 1)} %`, "Of 2,500 samples, those within 3 sd of a mode."]);
  }
  rows.push(["error of x̂", round(frame.mse, 4), "Mean squared distance, per coordinate, of x from G(E(x))."]);
  for (const name of Object.keys(LINES)) if (name in frame.losses) rows.push([NAMES[name], round(frame.losses[name]), "On the last batch."]);
  for (const [name, value] of Object.entries(frame.constraints)) {
    const slack = scene.terms[name.replace("term_", "")]?.slack;
    const says = name.startsWith("match_") ? "A lower bound of the divergence of what this discriminator sees, in nats." : `A term of the loss, or a constraint, on the points shown, codes drawn from q(z|x).`;
    rows.push([called(name), round(value) + (slack === null || slack === undefined ? "" : ` ≤ ${slack}`), says]);
  }
  for (const [name, value] of Object.entries(frame.losses)) if (name.startsWith("multiplier")) rows.push([name.replaceAll("_", " "), round(value), "The price of that constraint, learned."]);
  return rows;
}

function list(element, entries) {
  while (element.children.length > 2 * entries.length) element.lastChild.remove();
  entries.forEach(([name, value, says], i) => {
    if (!element.children[2 * i]) element.append(document.createElement("dt"), document.createElement("dd"));
    const [term, number] = [element.children[2 * i], element.children[2 * i + 1]];
    if (term.textContent !== name) term.textContent = name;
    term.title = says;
    number.textContent = value;
  });
}

// The losses of all frames; a line at the step that is shown, a dashed one where D guesses.
function chart(canvas, lane, step, wide, high) {
  const sharp = devicePixelRatio || 1, { frames, scene } = lane;
  resize(canvas, Math.round(wide * sharp), Math.round(high * sharp), 1 / sharp);
  const pen = canvas.getContext("2d");
  pen.setTransform(sharp, 0, 0, sharp, 0, 0);
  const values = frames.flatMap((frame) => Object.keys(LINES).map((name) => frame.losses[name])).filter(Number.isFinite);
  if (!values.length) return;
  // the few highest would press the rest into a line
  const sorted = values.toSorted((a, b) => a - b), top = Math.max(sorted[Math.floor(0.97 * (sorted.length - 1))], scene.guess) * 1.1 || 1;
  const low = Math.min(0, sorted[Math.floor(0.03 * sorted.length)]);
  const last = Math.max(frames.length - 1, 1), across = (i) => 2 + ((wide - 4) * i) / last;
  const up = (value) => 3 + (high - 6) * (1 - clamp((value - low) / (top - low || 1), 0, 1));
  pen.strokeStyle = "#888888";
  pen.setLineDash([4, 3]);
  pen.globalAlpha = 0.7;
  if (scene.guess) pen.beginPath(), pen.moveTo(0, up(scene.guess)), pen.lineTo(wide, up(scene.guess)), pen.stroke();
  pen.setLineDash([]);
  pen.globalAlpha = 1;
  for (const [name, colour] of Object.entries(LINES)) {
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    pen.beginPath();
    let begun = false;
    frames.forEach((frame, i) => {
      if (!Number.isFinite(frame.losses[name])) return;
      pen[begun ? "lineTo" : "moveTo"](across(i), up(frame.losses[name]));
      begun = true;
    });
    pen.stroke();
  }
  let here = frames.findIndex((frame) => frame.step >= step);
  if (here < 0) here = frames.length - 1;
  pen.strokeStyle = "#888888";
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(across(here), 0), pen.lineTo(across(here), high);
  pen.stroke();
}
