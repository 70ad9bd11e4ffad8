/* Curves under the time line: one row a series, both clips in it; a click goes to that frame.

   createCurves(sync, curves, names) -> { element, dispose }; curves as hhlab/widgets/curves.py makes them */

const HIGH = 100; // of the drawing's own units; it is stretched to its place
const WIDE = 1000;

function svgMake(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** A value with as many digits as mean something, and its unit if that is short. */
function sayValue(value, unit) {
  if (value == null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const digits = unit === "ms" || size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
  const text = `${unit === "ms" && value > 0 ? "+" : ""}${value.toFixed(digits)}`;
  const gap = unit === "%" || unit === "°" ? "" : " ";
  return unit && unit.length <= 4 ? `${text}${gap}${unit}` : text;
}

/** The value on show at a time: the last one at or before it, as long as it is recent. */
function valueAt(side, time, step) {
  if (!side || !side.t.length) return null;
  let [low, high] = [0, side.t.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (side.t[middle] <= time + 1e-6) low = middle + 1;
    else high = middle;
  }
  const before = Math.max(0, low - 1);
  return Math.abs(side.t[before] - time) <= Math.max(2 * step, 0.6) ? side.v[before] : null;
}

export function createCurves(sync, curves, names) {
  const { fps, frames } = sync.state;
  const duration = frames / fps;
  const rows = [];
  const list = make("div", { class: "hh-curves" });
  const chips = make("div", { class: "hh-chips", role: "group", "aria-label": "Curves to show" });
  const metrics = new Map();
  for (const curve of curves) {
    if (!metrics.has(curve.metric)) metrics.set(curve.metric, []);
    metrics.get(curve.metric).push(curve);
  }
  let hover = null;

  for (const [metric, group] of metrics) {
    const made = group.map((curve, index) => row(curve, index));
    made.forEach((one, index) => (one.element.hidden = index > 0));
    rows.push(...made);
    list.append(...made.map((one) => one.element));
    let level = 1; // 0: none, 1: the first, 2: all
    const label = group[0].title;
    const chip = make("button", { type: "button", class: "hh-toggle" }, label);
    const show = () => {
      made.forEach((one, index) => (one.element.hidden = level === 0 || (level === 1 && index > 0)));
      chip.setAttribute("aria-pressed", String(level > 0));
      chip.textContent = group.length > 1 && level > 0
        ? `${label} ${level === 2 ? group.length : 1}/${group.length}` : label;
      chip.title = level === 0 ? "Show" : level === 1 && group.length > 1 ? "Show all of them" : "Hide";
    };
    chip.addEventListener("click", () => {
      level = (level + (level === 1 && group.length === 1 ? 2 : 1)) % 3;
      show();
      draw();
    });
    show();
    if (metrics.size > 1 || group.length > 1) chips.append(chip);
  }

  function row(curve, index) {
    const plot = make("div", {
      class: "hh-plot", tabindex: 0, role: "slider", "aria-label": `${curve.title}: ${curve.label}, time`,
      "aria-valuemin": 0, "aria-valuemax": frames - 1,
    });
    const svg = svgMake("svg", {
      viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", "aria-hidden": "true",
    });
    const x = (time) => (WIDE * time) / duration;
    const y = (value) => 6 + ((HIGH - 12) * (curve.high - value)) / (curve.high - curve.low);
    if (curve.low < 0 && curve.high > 0)
      svg.append(svgMake("line", { x1: 0, x2: WIDE, y1: y(0), y2: y(0), class: "hh-zero" }));
    const colour = (number) => (curve.both ? "hh-side-both" : `hh-side-${number}`);
    curve.sides.forEach((side, number) => side && svg.append(...lines(side, colour(number), x, y)));
    plot.append(svg);
    if (curve.sides.some((side) => side?.v.some((value) => value != null)))
      plot.append(...["high", "low"].map((end) =>
        make("span", { class: `hh-end hh-${end}`, "aria-hidden": "true" }, sayValue(curve[end], curve.unit))));
    else plot.append(make("span", { class: "hh-none" }, "nothing could be measured"));
    curve.sides.forEach((side, number) => side?.moments.forEach((moment, count) => {
      const mark = make("button", {
        type: "button", class: `hh-mark hh-side-${number}`, title: moment.why,
        "aria-label": `${names[number]} at ${moment.t.toFixed(2)} s: ${moment.why}`,
      }, String(count + 1));
      mark.style.left = `clamp(9px, ${(100 * moment.t) / duration}%, calc(100% - 9px))`;
      mark.style.top = `${Math.min(Math.max(y(moment.v ?? curve.low), 8), HIGH - 8)}%`;
      mark.addEventListener("click", (event) => {
        event.stopPropagation();
        sync.seek(frameAt(moment.t));
      });
      plot.append(mark);
    }));
    const values = curve.sides.map((side, number) =>
      make("span", { class: `hh-value ${colour(number)}`, hidden: !side }));
    const about = [index ? "" : curve.label, curve.meaning].filter(Boolean).join(", ");
    const element = make("div", { class: "hh-curve" },
      make("div", { class: "hh-curve-name", title: `${curve.label}, ${curve.meaning}` },
        make("b", {}, index ? curve.label : curve.title), make("span", {}, about)),
      plot, make("div", { class: "hh-values" }, ...values));
    plot.addEventListener("click", (event) => sync.seek(frameAt(timeOf(plot, event))));
    plot.addEventListener("pointermove", (event) => {
      hover = timeOf(plot, event);
      draw();
    });
    plot.addEventListener("pointerleave", () => {
      hover = null;
      draw();
    });
    plot.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
      if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      sync.step(by);
    });
    return { curve, element, plot, values };
  }

  function lines(side, colour, x, y) {
    const found = [];
    let points = [];
    const end = () => {
      if (points.length === 1) points.push(points[0]); // a single value is a dot: round ends
      if (points.length)
        found.push(svgMake("polyline", { points: points.join(" "), class: colour }));
      points = [];
    };
    side.t.forEach((time, k) => {
      if (side.v[k] == null) end();
      else points.push(`${x(time).toFixed(1)},${y(side.v[k]).toFixed(1)}`);
    });
    end();
    return found;
  }

  function timeOf(plot, event) {
    const box = plot.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * duration;
  }

  function frameAt(time) {
    return Math.min(Math.max(Math.floor(time * fps + 1e-3), 0), frames - 1);
  }

  function draw() {
    const at = sync.state.frame / fps;
    const time = hover ?? at;
    list.style.setProperty("--hh-at", `${(100 * (at + 0.5 / fps)) / duration}%`);
    list.style.setProperty("--hh-hover", hover === null ? "-10%" : `${(100 * hover) / duration}%`);
    for (const { curve, element, plot, values } of rows) {
      if (element.hidden) continue;
      const said = curve.sides.map((side, number) => {
        const shift = sync.state.shift[number] / fps;
        const text = sayValue(valueAt(side, time + shift, 1 / fps), curve.unit);
        values[number].textContent = text;
        return side ? `${curve.both ? curve.label : names[number]} ${text}` : "";
      });
      plot.setAttribute("aria-valuenow", sync.state.frame);
      plot.setAttribute("aria-valuetext", `${at.toFixed(2)} s: ${said.filter(Boolean).join(", ")}`);
    }
  }
  const off = sync.on(draw);
  draw();
  const element = make("section", { class: "hh-curve-box", "aria-label": "Values over time" }, chips, list);
  return { element, dispose: () => { off(); element.remove(); } };
}
