// The map's switch "Decode", and what it brings: pictures that this tab makes, under the pointer and in a lattice.
class Decoding {
  constructor(view) {
    this.view = view
    this.bar = element("div", "")
    this.bar.className = "ali-switch"
    this.button = (says, why, next) => {
      const button = this.bar.appendChild(document.createElement("button"))
      Object.assign(button, { type: "button", textContent: says, title: why, onclick: () => this.become(next(this.mode)) })
      return button
    }
    this.decode = this.button("Decode", "The picture that the model makes of a place follows the pointer",
      (mode) => (mode === "off" ? "decode" : "off"))
    this.lattice = this.button("Lattice", "A lattice of decoded pictures under the points",
      (mode) => (mode === "lattice" ? "decode" : "lattice"))
    this.mode = null
  }

  // The server's word; the echo of what was chosen here does not undo what was chosen since
  update(data) {
    if (!data.live) return
    if (this.mode === null || (data.live.mode !== this.said && data.live.mode !== this.chosen)) this.mode = data.live.mode
    this.said = data.live.mode
    this.settings = data.live
    this.apply()
  }

  become(mode) {
    this.mode = this.chosen = mode
    this.apply()
    this.view.send({ live: mode })
  }

  // The chart is there, or has been drawn anew
  attach(chart) {
    if (!this.view.data.live) return
    this.chart = chart
    style()
    chart.appendChild(this.bar)
    this.apply()
  }

  detach() {
    this.pointer?.close()
    this.pointer = this.chart = null
    this.bar.remove()
  }

  lay() {
    if (this.pointer && this.chart?._fullLayout?.xaxis) this.pointer.lay()
  }

  async apply() {
    if (!this.chart || !this.settings) return
    const on = this.mode !== "off"
    this.decode.setAttribute("aria-pressed", on)
    this.lattice.setAttribute("aria-pressed", this.mode === "lattice")
    this.lattice.hidden = !on
    const { backgroundColor, color } = getComputedStyle(this.chart.closest(".stApp") ?? document.body)
    this.chart.style.setProperty("--ground", backgroundColor)
    this.chart.style.setProperty("--ink", color)
    if (!on) {
      this.pointer?.close()
      this.pointer = null
      this.chart.classList.remove("ali-over-lattice")
      return
    }
    const { Pointer } = await import(new URL("engine/pointer.js", document.baseURI))
    if (this.mode === "off" || !this.chart) return
    this.pointer ??= new Pointer(this.stage(this.chart))
    this.pointer.set({ ...this.settings, lattice: this.mode === "lattice" })
  }

  stage(chart) {
    const axes = () => chart._fullLayout
    return {
      host: chart,
      area: () => ({ left: axes().xaxis._offset, top: axes().yaxis._offset, width: axes().xaxis._length, height: axes().yaxis._length }),
      data: (px, py) => [axes().xaxis.p2l(px - axes().xaxis._offset), axes().yaxis.p2l(py - axes().yaxis._offset)],
      keep: (x, y) => this.view.send({ place: [x, y] }),
      wheel: (event) => chart.querySelector(".nsewdrag")?.dispatchEvent(new WheelEvent("wheel", event)),
    }
  }
}

function style() {
  const href = new URL("engine/pointer.css", document.baseURI).href
  if (document.querySelector(`link[href="${href}"]`)) return
  document.head.appendChild(Object.assign(document.createElement("link"), { rel: "stylesheet", href }))
}
