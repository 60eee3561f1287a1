// Pictures instead of dots where the zoom leaves them room: a canvas under the rings of map.js, drawn from its sheet.
const SIDE = 30 // pixels of the screen, about: a picture's side
const COVERED = 8 // dots that may vanish under a picture
const APART = 7.5 // pixels to a typical eighth neighbour: nearer together all are dots

class Pictures {
  constructor(view) {
    this.view = view
    this.canvas = element("canvas", "position:absolute;inset:0")
    this.canvas.className = "ali-pictures"
    view.layer.prepend(this.canvas)
    this.drawn = [] // the pictures on the screen: number, left, top
  }

  // the number of the picture under a mouse event, or null
  under(event) {
    const box = this.view.chart.getBoundingClientRect()
    const x = event?.clientX - box.x, y = event?.clientY - box.y
    const hit = this.drawn.find(({ left, top }) => x >= left && y >= top && x < left + this.wide && y < top + this.high)
    return hit ? hit.id : null
  }

  draw() {
    const { chart, data } = this.view, { xaxis, yaxis } = chart._fullLayout
    const width = chart.offsetWidth, height = chart.offsetHeight, sharp = devicePixelRatio
    const scene = [this.sheet, window.aliSheet, data.picks, this.view.points.x, this.view.points.marker.color, width, height,
      sharp, ...[xaxis, yaxis].flatMap((axis) => [axis._offset, axis._length, axis.l2p(0), axis.l2p(1)])]
    if (this.scene?.every((part, i) => part === scene[i])) return // a ring has moved, no picture
    this.scene = scene
    Object.assign(this.canvas, { width: width * sharp, height: height * sharp })
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` })
    this.drawn = []
    if (this.promise !== window.aliSheet) {
      const promise = (this.promise = window.aliSheet)
      this.sheet = null
      promise.then((sheet) => {
        if (this.promise === promise) { this.sheet = sheet; this.view.draw() }
      })
    }
    const apart = data.spacing * Math.abs(xaxis.l2p(1) - xaxis.l2p(0))
    if (this.sheet && apart >= APART) this.fill(apart)
    this.canvas.dataset.ids = this.drawn.map(({ id }) => id)
  }

  fill(apart) {
    const { chart, data } = this.view, { xaxis, yaxis } = chart._fullLayout, sharp = devicePixelRatio
    this.size(data.tile, apart)
    this.drawn = this.chosen().filter(({ left, top }) =>
      left + this.wide > xaxis._offset && left < xaxis._offset + xaxis._length &&
      top + this.high > yaxis._offset && top < yaxis._offset + yaxis._length)
    if (!this.drawn.length) return
    const pen = this.canvas.getContext("2d"), [w, h] = data.tile
    pen.scale(sharp, sharp)
    pen.beginPath()
    pen.rect(xaxis._offset, yaxis._offset, xaxis._length, yaxis._length)
    pen.clip()
    pen.imageSmoothingEnabled = this.wide * sharp < w // pixels enlarged stay pixels
    pen.imageSmoothingQuality = "high"
    const picks = data.picks.length > 1 ? new Set(data.picks) : null
    for (const { id, left, top } of this.drawn) {
      pen.globalAlpha = !picks || picks.has(id) ? 1 : 0.25
      pen.fillStyle = this.tone(id)
      pen.fillRect(left - 2, top - 2, this.wide + 4, this.high + 4)
      pen.drawImage(this.sheet, (id % ACROSS) * w, Math.floor(id / ACROSS) * h, w, h, left, top, this.wide, this.high)
    }
    pen.globalAlpha = 1
    this.names(pen)
  }

  // a whole number of pixels a pixel, or the other way round; twice as large where points lie far apart
  size([w, h], apart) {
    const factor = w < SIDE * 1.4 ? Math.max(1, Math.round(SIDE / w)) : 1 / Math.round(w / SIDE)
    const twice = apart > 2 * factor * w ? 2 : 1
    this.wide = w * factor * twice
    this.high = h * factor * twice
  }

  // in the order of their numbers: whatever has room beside those before it and stands for few dots
  chosen() {
    const { points } = this.view, { x, y, customdata } = points, { xaxis, yaxis } = this.view.chart._fullLayout
    const across = this.wide + 6, down = this.high + 6, dots = new Map(), taken = new Map()
    const places = [] // flat: number, x, y
    const key = (column, row) => column * 100003 + row
    const put = (map, px, py, what) => {
      const at = key(Math.floor(px / across), Math.floor(py / down)), others = map.get(at)
      others ? others.push(what) : map.set(at, [what])
    }
    const margin = 4 * across
    for (let id = 0; id < x.length; id++) {
      if (x[id] === null) continue // the legend has switched it off
      const px = xaxis._offset + xaxis.l2p(customdata[id][3]), py = yaxis._offset + yaxis.l2p(y[id])
      if (px < xaxis._offset - margin || px > xaxis._offset + xaxis._length + margin) continue
      if (py < yaxis._offset - margin || py > yaxis._offset + yaxis._length + margin) continue
      places.push({ id, px, py })
      put(dots, px, py, places[places.length - 1])
    }
    const within = (map, { px, py }, wide, high, most) => {
      const column = Math.floor(px / across), row = Math.floor(py / down)
      let count = 0
      for (let dx = -1; dx < 2; dx++)
        for (let dy = -1; dy < 2; dy++)
          for (const other of map.get(key(column + dx, row + dy)) ?? [])
            if (Math.abs(other.px - px) < wide && Math.abs(other.py - py) < high && ++count > most) return true
      return false
    }
    const shown = []
    for (const place of places) {
      if (within(taken, place, across, down, 0)) continue
      if (within(dots, place, this.wide / 2, this.high / 2, COVERED)) continue
      put(taken, place.px, place.py, place)
      const round = (value) => Math.round(value * devicePixelRatio) / devicePixelRatio
      shown.push({ id: place.id, left: round(place.px - this.wide / 2), top: round(place.py - this.high / 2) })
    }
    return shown
  }

  // the colour of its dot
  tone(id) {
    const { color, colorscale, cmin, cmax } = this.view.points.marker
    const share = (color[id] - cmin) / (cmax - cmin)
    return colorscale.reduce((tone, [from, next]) => (from <= share ? next : tone), colorscale[0][1])
  }

  // the classes' names again, on top
  names(pen) {
    const ground = getComputedStyle(this.view.chart.closest(".stApp") ?? document.body).backgroundColor
    const font = getComputedStyle(this.view.chart).fontFamily
    pen.textAlign = "center"
    pen.textBaseline = "middle"
    pen.lineJoin = "round"
    for (const { x, y, text, visible, font: letters } of this.view.chart._fullLayout.annotations ?? []) {
      if (visible === false) continue
      pen.font = `600 ${letters.size}px ${letters.family || font}`
      const [left, top] = this.view.pixel(x, y), plain = text.replaceAll("&lt;", "<").replaceAll("&amp;", "&")
      pen.lineWidth = 4
      pen.strokeStyle = ground
      pen.strokeText(plain, left, top)
      pen.fillStyle = letters.color
      pen.fillText(plain, left, top)
    }
  }
}
