// What scrub.js and pad.js share. A parcel is: length of the JSON (uint32, little endian), JSON, PNG.
async function unpack(data) {
  const size = new DataView(data.buffer, data.byteOffset, 4).getUint32(0, true);
  const about = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + size)));
  const png = new Blob([data.subarray(4 + size)], { type: "image/png" });
  return { ...about, sheet: await createImageBitmap(png) };
}

// Draws tile (column, row) of the sheet; canvases have one pixel for each of the pictures' and CSS repeats them.
function tile(context, parcel, column, row, x, y) {
  const { sheet, w, h } = parcel;
  context.drawImage(sheet, column * w, row * h, w, h, x, y, w, h);
}

function resize(canvas, width, height, scale) {
  canvas.width = width;
  canvas.height = height;
  canvas.style.width = `${width * scale}px`;
  canvas.style.height = `${height * scale}px`;
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
