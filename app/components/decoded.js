// A code's picture, made in this tab.
export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".root"), [canvas, words] = root.children;
  let late = false; // newer data may arrive while older is decoded
  (async () => {
    const parcel = await unpack(data), { w, h, scale, border, says, alt } = parcel;
    if (late) return;
    canvas.style.width = `${w * scale}px`; // its room, before there is a picture
    canvas.style.height = `${h * scale}px`;
    canvas.style.borderColor = border;
    canvas.setAttribute("aria-label", alt);
    const maker = await Maker.of(parcel, setStateValue, (share, told) => { words.textContent = told; });
    const made = maker && (await maker.at([[0, 1]]).catch((error) => setStateValue("engine", `off: ${error.message}`)));
    if (late || !made) return;
    resize(canvas, w, h, scale);
    canvas.getContext("2d").putImageData(made, 0, 0);
    words.textContent = says;
    root.dataset.made = +(root.dataset.made ?? 0) + 1;
  })();
  return () => { late = true; };
}
