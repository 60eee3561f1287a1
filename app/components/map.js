// Listens to the Plotly chart in `.st-key-map`, or another one, and draws over it. The server hears of picks only.
const WAIT = 125 // ms before a card shows
const STAY = 260 // ms a card stays when the pointer has left
const ACROSS = 100 // pictures in a row of the sheet
const views = new WeakMap()
let address = null // of the sheet in window.aliSheet, a promise of its bitmap
let painted
const paint = new Promise((done) => { painted = done })

export default function ({ data, parentElement, setTriggerValue }) {
  let view = views.get(parentElement)
  if (!view) views.set(parentElement, (view = new View(parentElement)))
  view.update(data, (event) => setTriggerValue("event", event))
  return () => { view.close(); views.delete(parentElement) }
}

class View {
  constructor(parent) {
    this.gallery = document.createElement("div")
    this.gallery.className = "gallery"
    parent.appendChild(this.gallery)
    this.layer = element("div", "position:absolute;inset:0;pointer-events:none;z-index:5")
    this.rings = this.layer.appendChild(element("canvas", "position:absolute;inset:0"))
    this.card = this.layer.appendChild(element("div",
      "position:absolute;display:none;padding:6px;border-radius:6px;font:13px/1.35 var(--st-font,sans-serif);" +
      "box-shadow:0 2px 10px rgba(0,0,0,.28);width:max-content;max-width:190px"))
    this.card.className = "ali-card"
    this.live = this.layer.appendChild(element("div",
      "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"))
    this.live.setAttribute("aria-live", "polite")
    this.pictures = new Pictures(this) // map_pictures.js
    this.decoding = new Decoding(this)
    this.cursor = null // the number under the pointer or the arrow keys
    this.on = {
      plotly_hover: (e) => this.hover(e),
      plotly_unhover: () => this.leave(),
      plotly_click: (e) => this.click(e),
      plotly_selected: (e) => this.select(e),
      plotly_afterplot: () => { this.hide(); this.mark(); this.draw(); this.decoding.lay() },
      plotly_relayouting: () => { this.leave(0); this.draw(); this.decoding.lay() },
    }
    this.key = (e) => this.press(e)
    this.out = () => this.leave() // the chart does not tell when it is busy with a drag
    // Streamlit makes the chart anew when it likes (theme, full screen); look for it now and then
    this.timer = setInterval(() => this.attach(), 200)
  }

  update(data, send) {
    const before = this.data
    this.data = data
    this.send = send
    if (address !== data.sheet) window.aliSheet = sheet((address = data.sheet))
    this.attach()
    this.decoding.update(data)
    this.mark()
    if (JSON.stringify(before?.gallery) !== JSON.stringify(data.gallery)) this.fill()
    this.draw()
  }

  attach() {
    const chart = document.querySelector(`.st-key-${this.data.chart ?? "map"} .js-plotly-plot`)
    if (chart === this.chart || (chart && !chart._fullLayout?.xaxis)) return
    this.detach()
    this.chart = chart
    if (!chart) return
    for (const name in this.on) chart.on(name, this.on[name])
    chart.style.position = "relative"
    chart.appendChild(this.layer)
    this.decoding.attach(chart)
    chart.tabIndex = 0
    chart.setAttribute("role", "application")
    chart.setAttribute("aria-label", this.data.alt)
    chart.addEventListener("keydown", this.key)
    chart.addEventListener("mouseleave", this.out)
    chart.dataset.ali = "ready"
    painted()
    this.draw()
  }

  detach() {
    if (!this.chart) return
    for (const name in this.on) this.chart.removeListener?.(name, this.on[name])
    this.chart.removeEventListener("keydown", this.key)
    this.chart.removeEventListener("mouseleave", this.out)
    this.leave(0)
    this.decoding.detach()
    delete this.chart.dataset.ali
    this.layer.remove()
  }

  close() {
    clearInterval(this.timer)
    this.detach()
  }

  // ---- the chart's points and pixels ----

  get points() {
    return this.chart._fullData[0]
  }

  pixel(x, y) {
    const { xaxis, yaxis } = this.chart._fullLayout
    return [xaxis._offset + xaxis.l2p(x), yaxis._offset + yaxis.l2p(y)]
  }

  at(id) {
    return this.pixel(this.points.customdata[id][3], this.points.y[id])
  }

  says(id) {
    const [, label, error] = this.points.customdata[id]
    return [this.data.labels[label], `no. ${id}, error ${Number(error).toFixed(4)}`]
  }

  // ---- what the reader does ----

  // the number of the picture under the pointer, or of the point beside it, or null
  aimed(event) {
    const point = event.points?.find((p) => p.customdata)
    return this.pictures.under(event.event) ?? (point ? Math.round(point.customdata[0]) : null)
  }

  hover(event) {
    const id = this.aimed(event)
    if (id === null) return this.leave()
    clearTimeout(this.leaving)
    if (this.shown !== undefined) return this.show(id)
    clearTimeout(this.coming)
    this.coming = setTimeout(() => this.show(id), WAIT)
  }

  leave(after = STAY) {
    clearTimeout(this.coming)
    clearTimeout(this.leaving)
    this.leaving = setTimeout(() => {
      this.shown = undefined
      this.card.style.display = "none"
      this.cursor = null
      this.draw()
    }, after)
  }

  click(event) {
    const id = this.aimed(event)
    if (id !== null) return this.send({ point: id })
    const x = event.xvals?.[0], y = event.yvals?.[0]
    if (Number.isFinite(x) && Number.isFinite(y)) this.send({ place: [x, y] })
  }

  select(event) {
    const ids = (event?.points ?? []).filter((p) => p.customdata).map((p) => Math.round(p.customdata[0]))
    if (ids.length) this.send({ points: ids })
  }

  press(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    if (way) {
      event.preventDefault()
      const id = this.step(way)
      clearTimeout(this.leaving)
      if (id !== null) this.show(id)
      this.live.textContent = this.says(this.cursor).join(", ")
    } else if (event.key === "Enter" && this.cursor !== null) {
      this.send({ point: this.cursor })
    } else if (event.key === "Escape") {
      this.leave(0)
    }
  }

  // the nearest point within 45 degrees of a direction; without a cursor, the point nearest the middle
  step([dx, dy]) {
    const start = this.cursor ?? this.data.picks[0] ?? null
    const { xaxis, yaxis } = this.chart._fullLayout
    const [x0, y0] = start === null
      ? [xaxis._offset + xaxis._length / 2, yaxis._offset + yaxis._length / 2] : this.at(start)
    let best = null, least = Infinity
    for (let id = 0; id < this.points.x.length; id++) {
      if (this.points.x[id] === null) continue
      const [x, y] = this.at(id)
      const along = (x - x0) * dx + (y - y0) * dy
      const aside = Math.abs((x - x0) * dy - (y - y0) * dx)
      const distance = Math.hypot(x - x0, y - y0)
      if (start !== null && (id === start || distance < 2 || aside > along)) continue
      if (distance < least) [best, least] = [id, distance]
    }
    return best ?? start
  }

  // ---- what the reader sees ----

  show(id) {
    if (this.shown !== id) {
      this.shown = this.cursor = id
      this.card.replaceChildren(this.crop(id, Math.max(1, Math.round(112 / this.data.tile[0]))), ...this.says(id).map((line, i) => {
        const div = element("div", i ? "opacity:.75" : "font-weight:600;margin-top:4px")
        div.textContent = line
        return div
      }))
      this.card.dataset.id = id
      const style = getComputedStyle(this.chart.closest(".stApp") ?? document.body)
      this.card.style.background = style.backgroundColor
      this.card.style.color = style.color
    }
    this.card.style.display = "block"
    const [x, y] = this.at(id), { offsetWidth: w, offsetHeight: h } = this.card
    this.card.style.left = `${x + 16 + w > this.chart.offsetWidth ? Math.max(0, x - 16 - w) : x + 16}px`
    this.card.style.top = `${Math.max(0, Math.min(this.chart.offsetHeight - h, y - h / 2))}px`
    this.draw()
  }

  // a canvas with one picture of the sheet, its pixels enlarged by a whole factor
  crop(id, scale) {
    const [w, h] = this.data.tile
    const canvas = element("canvas", `width:${w * scale}px;height:${h * scale}px;image-rendering:pixelated;display:block`)
    canvas.width = w
    canvas.height = h
    window.aliSheet.then((sheet) =>
      canvas.getContext("2d").drawImage(sheet, (id % ACROSS) * w, Math.floor(id / ACROSS) * h, w, h, 0, 0, w, h))
    return canvas
  }

  fill() {
    this.gallery.replaceChildren(...(this.data?.gallery ?? []).map(({ id, says }) => {
      const button = document.createElement("button")
      button.setAttribute("aria-label", says)
      button.title = says
      button.dataset.id = id
      button.onclick = () => this.send({ point: id })
      button.onmouseenter = button.onfocus = () => { this.cursor = id; this.draw() }
      button.onmouseleave = button.onblur = () => { this.cursor = null; this.draw() }
      button.appendChild(this.crop(id, this.data.scale))
      return button
    }))
  }

  draw() {
    if (!this.chart?._fullLayout?.xaxis || !this.data) return
    this.pictures.draw()
    const { xaxis, yaxis } = this.chart._fullLayout
    const width = this.chart.offsetWidth, height = this.chart.offsetHeight, dots = devicePixelRatio
    Object.assign(this.rings, { width: width * dots, height: height * dots })
    Object.assign(this.rings.style, { width: `${width}px`, height: `${height}px` })
    const pen = this.rings.getContext("2d")
    pen.scale(dots, dots)
    pen.beginPath()
    pen.rect(xaxis._offset, yaxis._offset, xaxis._length, yaxis._length)
    pen.clip()
    const ring = ([x, y], radius, colour) => {
      for (const [line, style] of [[4.5, "#fff"], [2, colour]]) {
        pen.beginPath()
        pen.arc(x, y, radius, 0, 7)
        pen.lineWidth = line
        pen.strokeStyle = style
        pen.stroke()
      }
    }
    for (const id of this.data.near) ring(this.at(id), 5, "#0072B2")
    const many = this.data.picks.length > 1
    if (!many || !window.Plotly) for (const id of this.data.picks) ring(this.at(id), many ? 2 : 8, "#000")
    if (this.data.place) {
      const [x, y] = this.pixel(...this.data.place)
      ring([x, y], 8, "#D55E00")
      pen.fillStyle = "#D55E00"
      pen.fillRect(x - 1.5, y - 1.5, 3, 3)
    }
    if (this.cursor !== null) ring(this.at(this.cursor), 7, "#D55E00")
  }

  // a class that the legend has switched off loses its points: hover, click and lasso pass them by
  hide() {
    if (!window.Plotly) return
    const off = new Set(this.chart._fullData.slice(1).filter((t) => t.visible === "legendonly").map((t) => t.name))
    const { x, customdata } = this.points
    // null, not NaN: Streamlit keeps the figure as JSON
    const want = Array.from(x, (_, i) => off.has(this.data.labels[customdata[i][1]]) ? null : customdata[i][3])
    if (want.every((at, i) => (at === null) === (x[i] === null))) return
    const layout = { "xaxis.autorange": false, "yaxis.autorange": false } // what is left stays where it is
    this.chart.layout.annotations?.forEach((label, i) => { layout[`annotations[${i}].visible`] = !off.has(label.text) })
    window.Plotly.update(this.chart, { x: [want] }, layout, [0])
  }

  // many picks are marked by fading the rest, as the chart itself does after a lasso
  mark() {
    // window.Plotly is not promised; without it draw() marks them with rings
    if (!this.chart || !window.Plotly) return
    const picks = this.data.picks.length > 1 ? this.data.picks : null
    if (String(this.points.selectedpoints ?? "") === String(picks ?? "")) return
    const outlines = picks ? {} : { selections: [] }
    window.Plotly.update(this.chart, { selectedpoints: [picks] }, outlines, [0])
  }
}

// all pictures as one bitmap; its megabytes wait until the map is painted
async function sheet(address) {
  await paint
  const answer = await fetch(address, { cache: "no-cache" })
  return createImageBitmap(await answer.blob(), { colorSpaceConversion: "none", premultiplyAlpha: "none" })
}

function element(name, style) {
  const node = document.createElement(name)
  node.style.cssText = style
  return node
}
