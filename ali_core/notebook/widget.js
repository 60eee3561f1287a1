// The widget's half in the browser: the map, what is under the pointer, an own picture, a path. The kernel's model answers.
const COLOURS = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"];
const ENDS = ["A", "B"], STEP = 0.02, SIDE = 460, HELP = "Point, or use the arrow keys; click or Enter keeps a place as A or B.";

function make(name, more = {}, ...children) {
  const made = Object.assign(document.createElement(name), more);
  made.append(...children);
  return made;
}

const bytes = (view) => new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength).slice();

function render({ model, el }) {
  const { name, n, shape, names, steps } = model.get("about"), [h, w, c] = shape;
  const points = bytes(model.get("points")).buffer, at = new Float32Array(points, 0, 2 * n), classes = new Uint16Array(points, 8 * n, n);
  const waiting = new Map(); // a question's number: what to do with its answer
  const marks = []; // of A and B: places on the map
  let asked = 0, here = null, pictures = null, busy = false, wanted = null;

  const ask = (what, more = {}, buffers = []) => new Promise((done) => {
    waiting.set(++asked, done);
    model.send({ id: asked, ask: what, ...more }, undefined, buffers);
  });
  const hear = (said, buffers) => {
    const done = waiting.get(said.id);
    waiting.delete(said.id);
    done?.({ ...said, shown: (buffers ?? []).map(bytes) });
  };
  model.on("msg:custom", hear);

  // ---- what stands where ----
  const map = make("canvas", { width: 2 * SIDE, height: 2 * SIDE, tabIndex: 0 });
  map.setAttribute("role", "application");
  map.setAttribute("aria-label", `The map of ${name}: ${n} pictures. ${HELP}`);
  const status = make("div", { textContent: HELP });
  status.setAttribute("role", "status");
  const frame = (title) => {
    const canvas = make("canvas", { width: w, height: h });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${title}: nothing yet`);
    return Object.assign(make("figure", {}, canvas, make("figcaption", { textContent: title })), { canvas, title });
  };
  const pointed = frame("Here"), ends = ENDS.map(frame), seen = frame("Your picture"), made = frame("Remembered"), between = frame("Between");
  const file = make("input", { type: "file", accept: "image/*" });
  const drop = make("label", {}, "A picture of your own: drop it here, paste it, or choose it. ", file);
  const slider = make("input", { type: "range", min: 0, max: steps - 1, value: 0, disabled: true });
  slider.setAttribute("aria-label", "From A to B");
  const legend = make("ul", {}, ...names.slice(0, 12).map((word, i) => {
    const dot = make("i");
    dot.style.background = COLOURS[i % COLOURS.length];
    return make("li", {}, dot, word);
  }));
  const side = make("div", {}, make("div", { className: "row" }, pointed, ...ends), drop, make("div", { className: "row" }, seen, made));
  side.append(make("div", { className: "strip" }, between), slider, status);
  const root = make("div", { className: "ali" }, make("div", { className: "map" }, map, legend), side);
  el.append(root);

  const show = (figure, picture, says = "") => {
    const pixels = new Uint8ClampedArray(4 * w * h).fill(255);
    for (let i = 0; i < w * h; i++) for (let k = 0; k < 3; k++) pixels[4 * i + k] = picture[c * i + (c === 1 ? 0 : k)];
    figure.canvas.getContext("2d").putImageData(new ImageData(pixels, w, h), 0, 0);
    figure.canvas.setAttribute("aria-label", `${figure.title}: ${says || "a picture of the model"}`);
  };

  // ---- the map ----
  const low = [Infinity, Infinity], high = [-Infinity, -Infinity];
  at.forEach((v, i) => { low[i % 2] = Math.min(low[i % 2], v); high[i % 2] = Math.max(high[i % 2], v); });
  const scale = 0.94 * SIDE / Math.max(high[0] - low[0], high[1] - low[1]), middle = low.map((v, i) => (v + high[i]) / 2);
  const pixel = ([x, y]) => [SIDE / 2 + (x - middle[0]) * scale, SIDE / 2 - (y - middle[1]) * scale];
  const place = ([px, py]) => [middle[0] + (px - SIDE / 2) / scale, middle[1] - (py - SIDE / 2) / scale];
  const dots = make("canvas", { width: 2 * SIDE, height: 2 * SIDE }), pen = dots.getContext("2d");
  pen.scale(2, 2);
  pen.globalAlpha = 0.7;
  for (let i = 0; i < n; i++) {
    const [x, y] = pixel([at[2 * i], at[2 * i + 1]]);
    pen.fillStyle = COLOURS[classes[i] % COLOURS.length];
    pen.fillRect(x - 1, y - 1, 2, 2);
  }
  const draw = () => {
    const over = map.getContext("2d");
    over.setTransform(1, 0, 0, 1, 0, 0);
    over.clearRect(0, 0, map.width, map.height);
    over.drawImage(dots, 0, 0);
    over.scale(2, 2);
    over.font = "bold 14px sans-serif";
    const ring = (xy, word, colour) => {
      const [x, y] = pixel(xy);
      for (const [width, style] of [[5, "#fff"], [2, colour]]) {
        Object.assign(over, { lineWidth: width, strokeStyle: style });
        over.beginPath();
        over.arc(x, y, 8, 0, 7);
        over.stroke();
        if (word) over.strokeText(word, x + 11, y + 5);
      }
      over.fillStyle = "#000";
      if (word) over.fillText(word, x + 11, y + 5);
    };
    if (here) ring(here, "", "#000");
    marks.forEach((mark, i) => mark && ring(mark, ENDS[i], "#d55e00"));
  };
  draw();

  // One question at a time: the latest place is asked when the one before has been answered.
  async function point(xy) {
    here = wanted = xy;
    draw();
    if (busy) return;
    busy = true;
    while (wanted) {
      const going = wanted;
      wanted = null;
      const { problem, says, shown } = await ask("place", { xy: going });
      if (!problem) show(pointed, shown[0], says);
      status.textContent = problem ?? `Here: ${says}. ${HELP}`;
    }
    busy = false;
  }
  async function keep(xy) {
    const { problem, kept, says, shown } = await ask("keep", { xy });
    if (problem) return void (status.textContent = problem);
    await end(kept, xy, shown[0], says);
  }
  async function end(kept, xy, picture, says) {
    marks[kept] = xy;
    show(ends[kept], picture, says);
    draw();
    status.textContent = `Kept as ${ENDS[kept]}: ${says}`;
    if (!marks[0] || !marks[1]) return;
    const { shown } = await ask("path");
    pictures = shown[0];
    slider.disabled = false;
    slide();
  }
  const slide = () => {
    const size = w * h * c, i = Number(slider.value);
    if (!pictures) return;
    show(between, pictures.subarray(i * size, (i + 1) * size), `step ${i + 1} of ${steps} from A to B`);
    root.dataset.step = i;
  };
  async function give(one) {
    if (!one) return;
    status.textContent = "The model looks …";
    const { problem, kept, xy, says, shown } = await ask("picture", { name: one.name }, [await one.arrayBuffer()]);
    if (problem) return void (status.textContent = problem);
    show(seen, shown[0], "as the model sees it");
    show(made, shown[1], "what the model remembers of it");
    await end(kept, xy, shown[1], says);
  }

  const where = (event) => {
    const box = map.getBoundingClientRect();
    return place([(event.clientX - box.left) / box.width * SIDE, (event.clientY - box.top) / box.height * SIDE]);
  };
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  map.addEventListener("pointermove", (event) => point(where(event)));
  map.addEventListener("click", (event) => keep(where(event)));
  map.addEventListener("keydown", (event) => {
    const by = KEYS[event.key], far = STEP * SIDE / scale;
    if (by) point([(here ?? middle)[0] + by[0] * far, (here ?? middle)[1] + by[1] * far]);
    else if (event.key === "Enter") keep(here ?? middle);
    else return;
    event.preventDefault();
    event.stopPropagation(); // the notebook's own keys
  });
  slider.addEventListener("input", slide);
  file.addEventListener("change", () => give(file.files[0]));
  for (const kind of ["dragover", "dragleave", "drop"]) drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop") give(event.dataTransfer.files[0]);
  });
  root.addEventListener("paste", (event) => give([...event.clipboardData.files][0]));
  return () => model.off("msg:custom", hear);
}

export default { render };
