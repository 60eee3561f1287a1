// The path's markers are SVG, one per frame: the current one is ringed without asking Plotly to draw again.
export default function ({ data }) {
  const frameOf = (window.aliFrames ||= {}); // the scrub may have spoken before the chart was there
  let plot = null, tries = 0, wait = 0;

  const ring = () => {
    const points = plot?.querySelectorAll(".scatterlayer .trace .points path") ?? [];
    points.forEach((point, i) => {
      const here = i === frameOf[data.key];
      point.style.stroke = here ? "#D55E00" : "#FFFFFF";
      point.style.strokeWidth = here ? "4px" : "1px";
    });
    if (points.length && frameOf[data.key] !== undefined) {
      points[0].closest(".js-plotly-plot").dataset.frame = frameOf[data.key];
    }
  };
  const find = () => {
    plot = document.querySelector(`.st-key-${data.chart} .js-plotly-plot`);
    if (plot?.on) {
      plot.on("plotly_afterplot", ring);
      ring();
    } else if (tries++ < 100) wait = setTimeout(find, 100);
  };
  const hear = ({ detail }) => {
    if (detail.key !== data.key) return;
    frameOf[detail.key] = detail.frame;
    if (!plot?.isConnected) return;
    ring();
  };
  window.addEventListener("ali-frame", hear);
  find();
  return () => {
    clearTimeout(wait);
    window.removeEventListener("ali-frame", hear);
    plot?.removeListener?.("plotly_afterplot", ring);
  };
}
