/* The picture of the analysis player: two clips on one canvas, in four ways, enlarged at will.

   createStage(pictures) -> stage
     pictures()    what the two sides show now, as canvases, null where there is nothing yet
     stage.view    { mode: "side" | "wipe" | "difference" | "flip", wipe, flip, gain, zoom, x, y }
     stage.set({ ... })   changes some of it; x and y are the centre, 0 to 1
     stage.draw()         again, after a new picture
     stage.on(callback)   told whenever the view changes */

const ZOOM = { least: 1, most: 16 };
const SHARP_FROM = 2.5; // from so many screen pixels a pixel on, pixels are shown as squares

export function createStage(pictures) {
  const view = { mode: "side", wipe: 0.5, flip: 0, gain: 8, zoom: 1, x: 0.5, y: 0.5 };
  const listeners = new Set();
  const canvas = make("canvas", { class: "hh-canvas" });
  const spare = document.createElement("canvas");
  let drag = null;

  function size() {
    const ratio = window.devicePixelRatio || 1;
    const wide = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const high = Math.max(1, Math.round(canvas.clientHeight * ratio));
    for (const one of [canvas, spare])
      if (one.width !== wide || one.height !== high) Object.assign(one, { width: wide, height: high });
    return [wide, high];
  }

  /** Where a picture lies in a pane: all at the place that the proportions of `like` give. */
  function place(pane, like) {
    const [x, y, w, h] = pane;
    const scale = Math.min(w / like.width, h / like.height) * view.zoom;
    const [wide, high] = [like.width * scale, like.height * scale];
    return [x + w / 2 - view.x * wide, y + h / 2 - view.y * high, wide, high];
  }

  function paint(context, side, pane, clip = pane, from = side) {
    const all = pictures();
    const [picture, like] = [all[side], all[from]];
    if (!picture || !like) return;
    const at = place(pane, like);
    context.save();
    context.beginPath();
    context.rect(...clip);
    context.clip();
    context.imageSmoothingEnabled = at[2] / picture.width < SHARP_FROM;
    context.drawImage(picture, ...at);
    context.restore();
  }

  function draw() {
    const [w, h] = size();
    const context = canvas.getContext("2d");
    context.globalCompositeOperation = "source-over";
    context.fillStyle = "#0b0b0c";
    context.fillRect(0, 0, w, h);
    const all = [0, 0, w, h];
    if (view.mode === "side") {
      const gap = Math.max(2, Math.round(w / 400));
      const half = (w - gap) / 2;
      paint(context, 0, [0, 0, half, h]);
      paint(context, 1, [half + gap, 0, half, h]);
    } else if (view.mode === "flip") {
      paint(context, view.flip, all, all, 0);
    } else if (view.mode === "wipe") {
      const at = Math.round(view.wipe * w);
      paint(context, 0, all, [0, 0, at, h]);
      paint(context, 1, all, [at, 0, w - at, h], 0);
      context.fillStyle = "#fff";
      context.fillRect(at - 1, 0, 2, h);
      context.beginPath();
      context.arc(at, h / 2, 11 * (window.devicePixelRatio || 1), 0, 7);
      context.fill();
      context.fillStyle = "#222";
      const tip = 4.5 * (window.devicePixelRatio || 1);
      for (const way of [-1, 1]) {
        context.beginPath();
        context.moveTo(at + way * 1.7 * tip, h / 2);
        context.lineTo(at + way * 0.6 * tip, h / 2 - tip * 0.8);
        context.lineTo(at + way * 0.6 * tip, h / 2 + tip * 0.8);
        context.fill();
      }
    } else {
      subtract(context, all);
    }
  }

  /** |left - right|, made brighter by doubling. */
  function subtract(context, all) {
    const other = spare.getContext("2d");
    other.globalCompositeOperation = "source-over";
    other.fillStyle = "#000";
    other.fillRect(...all);
    paint(other, 0, all);
    other.globalCompositeOperation = "difference";
    paint(other, 1, all, all, 0);
    context.drawImage(spare, 0, 0);
    context.globalCompositeOperation = "lighter";
    for (let gain = 1; gain < view.gain; gain *= 2) {
      other.globalCompositeOperation = "copy";
      other.drawImage(canvas, 0, 0);
      context.drawImage(spare, 0, 0);
    }
  }

  function set(change) {
    Object.assign(view, change);
    view.zoom = Math.min(Math.max(view.zoom, ZOOM.least), ZOOM.most);
    view.wipe = Math.min(Math.max(view.wipe, 0), 1);
    const reach = 0.5 / view.zoom; // the picture's edge stays at the pane's edge
    for (const axis of ["x", "y"]) view[axis] = Math.min(Math.max(view[axis], reach), 1 - reach);
    draw();
    for (const listener of listeners) listener(view);
  }

  /** Zoom so that what lies under the pointer stays there. */
  function zoomAt(event, factor) {
    const [u, v] = spot(event);
    const zoom = Math.min(Math.max(view.zoom * factor, ZOOM.least), ZOOM.most);
    const keep = 1 / view.zoom - 1 / zoom;
    set({ zoom, x: view.x + u * keep, y: view.y + v * keep });
  }

  /** The pointer in its pane, from the pane's centre, in widths and heights of the picture. */
  function spot(event) {
    const box = canvas.getBoundingClientRect();
    let [u, w] = [event.clientX - box.left, box.width];
    if (view.mode === "side") {
      w /= 2;
      if (u > w) u -= w;
    }
    const { width, height } = pictures()[0] ?? { width: w, height: box.height };
    const scale = Math.min(w / width, box.height / height);
    return [(u - w / 2) / (scale * width),
      (event.clientY - box.top - box.height / 2) / (scale * height)];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const box = canvas.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const wiping = view.mode === "wipe" && (view.zoom === 1 || Math.abs(share - view.wipe) < 0.03);
    drag = { wiping, from: spot(event), x: view.x, y: view.y };
    canvas.setPointerCapture(event.pointerId);
    if (wiping) set({ wipe: share });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const box = canvas.getBoundingClientRect();
    if (drag.wiping) set({ wipe: (event.clientX - box.left) / box.width });
    else {
      const [u, v] = spot(event);
      set({ x: drag.x - (u - drag.from[0]) / view.zoom, y: drag.y - (v - drag.from[1]) / view.zoom });
    }
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, () => (drag = null));
  canvas.addEventListener("dblclick", (event) => zoomAt(event, view.zoom < 4 ? 2 : 1 / view.zoom));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // the page scrolls; with Ctrl, or two fingers, it zooms
    event.preventDefault();
    zoomAt(event, Math.exp(-event.deltaY / 200));
  }, { passive: false });
  const watcher = new ResizeObserver(draw);
  watcher.observe(canvas);

  return {
    canvas, view, set, draw, zoomAt,
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispose() {
      watcher.disconnect();
      listeners.clear();
    },
  };
}
