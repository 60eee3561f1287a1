// Pictures of codes between codes: a parcel that brings codes has its pictures decoded in this tab (engine/model.js).
const announced = new Set();

class Maker {
  // -> null for a parcel of pictures; send hears "ready" once this tab could do it, or why it cannot
  static async of(parcel, send, progress) {
    const name = parcel.engine;
    if (!name) return null;
    if (parcel.codes) told(0, "The model comes into this tab …");
    try {
      const { open, image } = await import(new URL("engine/model.js", document.baseURI));
      const { latest } = await import(new URL("engine/engine.js", document.baseURI));
      const model = await open(name, progress);
      await model.net("decoder");
      if (!parcel.codes && !announced.has(name)) send("engine", "ready"); // next time codes are enough
      announced.add(name);
      return parcel.codes ? new Maker(parcel, model, image, latest) : null;
    } catch (error) {
      if (parcel.codes) send("engine", `off: ${error.message}`); // the server makes them
      return null;
    }
  }

  constructor(parcel, model, image, latest) {
    Object.assign(this, { parcel, model, image });
    const bytes = Uint8Array.from(atob(parcel.codes), (letter) => letter.charCodeAt(0));
    this.z = new Float32Array(bytes.buffer);
    this.ask = latest((parts) => this.decode([parts]));
    this.asked = 0;
  }

  // Blends, each a list of [number of a code, share] -> pictures
  decode(blends) {
    const { latent, classes } = this.model, z = new Float32Array(blends.length * latent);
    const wide = classes.reduce((sum, size) => sum + size, 0), y = wide ? new Float32Array(blends.length * wide) : null;
    blends.forEach((parts, row) => {
      for (const [at, share] of parts) {
        for (let k = 0; k < latent; k++) z[row * latent + k] += share * this.z[at * latent + k];
        if (y) this.model.hot(this.parcel.ys[at]).forEach((one, k) => { y[row * wide + k] += share * one; });
      }
    });
    return this.model.decode(z, blends.length, y);
  }

  // A blend as a picture to put on a canvas; null where a newer one has been asked
  async at(parts) {
    const decoded = await this.ask(parts);
    this.asked++;
    return decoded && this.image(decoded, this.shape);
  }

  get shape() {
    return this.model.shape;
  }

  // Draws tiles (numbers of codes) into the parcel's sheet, `columns` a row; `some` is called when there are more
  async fill(tiles, columns, some) {
    const { w, h } = this.parcel, pen = this.parcel.sheet.getContext("2d");
    for (let from = 0; from < tiles.length; from += 9) {
      const part = tiles.slice(from, from + 9), decoded = await this.decode(part.map((at) => [[at, 1]]));
      part.forEach((at, i) => pen.putImageData(this.image(decoded, this.shape, i), (at % columns) * w, Math.floor(at / columns) * h));
      some();
    }
  }
}

// A sheet for tiles that are still to be decoded; the server's pictures come behind the first `n`
function blank(parcel, columns, rows, n) {
  const { w, h, sheet } = parcel, wide = new OffscreenCanvas(columns * w, rows * h);
  for (let i = 0; i * w < sheet.width; i++) wide.getContext("2d").drawImage(sheet, i * w, 0, w, h, (n + i) * w, 0, w, h);
  return wide;
}
