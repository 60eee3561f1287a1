// Keeps the sheet of all pictures as one bitmap, for the map's events and its gallery.
let last = null

export default function ({ data }) {
  if (!(data instanceof Uint8Array) || data === last) return
  last = data
  window.aliSheet = createImageBitmap(new Blob([data], { type: "image/png" }), {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  })
  window.dispatchEvent(new Event("ali-sheet"))
}
