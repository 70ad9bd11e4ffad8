/* The analysis player. The kernel side is compare.py. */

const WAYS = [
  ["side", "Side by side"], ["wipe", "Wipe"], ["difference", "Difference"], ["flip", "One at a time"],
];
const COMPARE_KEYS = [
  ["Space", "play, pause"], [", .", "one frame back, on"], ["< >", "ten frames"], ["Home End", "first, last frame"],
  ["1 2 3 4", "side by side, wipe, difference, one at a time"], ["X", "flip to the other clip"],
  ["← → ↑ ↓", "move the wipe, or the enlarged picture"], ["+ − 0", "enlarge, reduce, whole picture"],
  ["E D R", "right clip a frame earlier, later, as it was"], ["S", "whom one hears"], ["L", "loop"], ["[ ]", "speed"],
];

function renderCompare({ model, el }) {
  const root = make("section", {
    class: "hh hh-compare", tabindex: 0, "aria-label": "Comparison of two clips",
  });
  const body = make("div", { class: "hh-compare-body" });
  const live = make("div", { class: "hh-hidden", "aria-live": "polite" });
  root.append(body, live);
  el.append(root);
  const offTheme = followTheme(root);
  const fetcher = createFetcher(model);
  let shown = null; // what stands in the body: { dispose, key }
  let turn = 0;

  function place(...children) {
    shown?.dispose();
    shown = null;
    body.replaceChildren(...children);
  }

  function message(title, text, extra) {
    place(make("div", { class: "hh-note" }, make("b", {}, title), make("span", {}, text), extra));
    live.textContent = `${title}. ${text}`;
  }

  async function onState(state) {
    const mine = ++turn;
    if (state.phase === "empty") {
      message("Nothing to compare yet", "Choose two clips, and they stand here side by side, in step.");
    } else if (state.phase === "preparing") {
      message("A moment", `${state.names[0]} and ${state.names[1]} are being made ready to be looked at.`,
        make("div", { class: "hh-busy", role: "progressbar", "aria-label": "Making ready" }));
    } else if (state.phase === "failed") {
      message("These clips cannot be shown", state.reason);
    } else {
      const bar = make("progress", { max: 1, value: 0, "aria-label": "Loading the clips" });
      message("A moment", "The clips are on their way to this page.", bar);
      try {
        const parts = [0, 0];
        const blobs = await Promise.all(state.keys.map((key, side) => fetcher.get(key, {
          onProgress: (share) => {
            parts[side] = share;
            bar.value = (parts[0] + parts[1]) / 2;
          },
        })));
        if (mine !== turn) return;
        place();
        shown = openPair(state, body, live, () => model.send({ kind: "close" }));
        await shown.load(blobs);
      } catch (error) {
        if (mine === turn) message("These clips cannot be shown", String(error.message ?? error));
      }
    }
  }

  function onMessage(content) {
    if (content?.kind === "state") onState(content);
  }
  model.on("msg:custom", onMessage);
  root.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea") && event.key.length > 1) return;
    if (event.target.closest("button, select") && (event.key === " " || event.key === "Enter")) return;
    if (shown?.key(event)) {
      event.preventDefault();
      event.stopPropagation();
    }
  });
  keepKeys(root);
  message("A moment", "Asking the kernel.", null);
  model.send({ kind: "hello" });
  return () => {
    turn += 1;
    shown?.dispose();
    model.off("msg:custom", onMessage);
    fetcher.dispose();
    offTheme();
    root.remove();
  };
}

/** Everything that stands there once two clips do. */
function openPair(state, body, live, leave) {
  const { names } = state;
  const videos = names.map(() => make("video", { class: "hh-source", tabindex: -1, "aria-hidden": "true" }));
  const sync = createSync({ videos, fps: state.fps, frames: state.frames });
  const stage = createStage(sync.pictures);
  const transport = createTransport(sync, { sides: ["A", "B"] });
  const tags = names.map((name, side) => make("span", { class: `hh-tag hh-side-${side}`, title: name },
    make("b", {}, "AB"[side]), make("span", {}, name)));

  const group = `hh-way-${Math.random()}`;
  const ways = WAYS.map(([mode, label], k) => {
    const radio = make("input", { type: "radio", class: "hh-radio", name: group, "aria-keyshortcuts": String(k + 1) });
    radio.addEventListener("change", () => stage.set({ mode }));
    return [mode, radio, make("label", { class: "hh-chip", title: `${label} (${k + 1})` }, radio, label)];
  });
  const wipe = make("input", { type: "range", class: "hh-scrub hh-short", min: 0, max: 100, "aria-label": "Wipe" });
  wipe.addEventListener("input", () => stage.set({ wipe: wipe.value / 100 }));
  const gain = make("select", { class: "hh-select", "aria-label": "Differences made brighter" },
    ...[1, 2, 4, 8, 16].map((each) => make("option", { value: each }, `${each}× brighter`)));
  gain.addEventListener("change", () => stage.set({ gain: Number(gain.value) }));
  const flip = make("button", { type: "button", class: "hh-button", title: "The other clip (X)", "aria-keyshortcuts": "X" });
  flip.addEventListener("click", () => stage.set({ flip: 1 - stage.view.flip }));
  const zoomed = make("output", { class: "hh-number" });
  const zoom = (by) => stage.set(by === 0 ? { zoom: 1, x: 0.5, y: 0.5 } : { zoom: stage.view.zoom * by });
  const shifted = make("output", { class: "hh-number" });
  const shift = (by) => sync.setShift(1, by === 0 ? 0 : sync.state.shift[1] + by);
  const little = (text, label, keys, press) => {
    const button = make("button", { type: "button", class: "hh-button hh-tiny", "aria-label": label,
      title: `${label} (${keys})`, "aria-keyshortcuts": keys }, text);
    button.addEventListener("click", press);
    return button;
  };
  const help = make("dl", { class: "hh-keys", hidden: true },
    ...COMPARE_KEYS.flatMap(([keys, what]) => [
      make("dt", {}, ...keys.split(" ").map((key) => make("kbd", {}, key))), make("dd", {}, what)]));
  const ask = little("?", "Keys", "?", () => {
    help.hidden = !help.hidden;
    ask.setAttribute("aria-expanded", String(!help.hidden));
  });
  ask.setAttribute("aria-expanded", "false");
  const close = little("×", "Close the comparison", "Esc", leave);
  close.hidden = !state.closable;
  const bar = make("div", { class: "hh-bar" },
    make("fieldset", { class: "hh-ways" }, make("legend", { class: "hh-hidden" }, "Way of comparing"),
      ...ways.map(([, , label]) => label)),
    wipe, gain, flip, make("span", { class: "hh-fill" }),
    make("span", { class: "hh-set", role: "group", "aria-label": "Enlargement" },
      little("−", "Reduce", "-", () => zoom(0.5)), zoomed, little("+", "Enlarge", "+", () => zoom(2))),
    make("span", { class: "hh-set", role: "group", "aria-label": "Shift of B against A" },
      little("◂", "B a frame earlier", "E", () => shift(1)), shifted,
      little("▸", "B a frame later", "D", () => shift(-1))),
    ask, close);
  const picture = make("div", { class: "hh-picture" }, stage.canvas, ...tags, ...videos);
  const curves = createCurves(sync, state.curves, names);
  const notes = state.notes.map((note) => make("p", { class: "hh-small" }, note));
  body.append(bar, help, picture, transport.element, ...notes, curves.element);
  stage.canvas.setAttribute("role", "img");

  function drawView(view) {
    for (const [mode, radio] of ways) radio.checked = mode === view.mode;
    wipe.hidden = view.mode !== "wipe";
    gain.hidden = view.mode !== "difference";
    flip.hidden = view.mode !== "flip";
    wipe.value = Math.round(100 * view.wipe);
    wipe.style.setProperty("--hh-done", `${100 * view.wipe}%`);
    gain.value = String(view.gain);
    flip.textContent = `Show ${"AB"[1 - view.flip]}`;
    zoomed.textContent = `${Math.round(100 * view.zoom)}%`;
    picture.dataset.mode = view.mode;
    tags.forEach((tag, side) => (tag.hidden = view.mode === "flip" && view.flip !== side));
    const how = WAYS.find(([mode]) => mode === view.mode)[1];
    const detail = view.mode === "flip" ? `, ${names[view.flip]}` : "";
    stage.canvas.setAttribute("aria-label", `${how}${detail}: ${names[0]} and ${names[1]}`);
    if (live.dataset.said !== how + detail) live.textContent = live.dataset.said = how + detail;
  }
  function drawShift(state) {
    const frames = -state.shift[1];
    shifted.textContent = frames === 0 ? "in step" : `B ${frames > 0 ? "+" : "−"}${Math.abs(frames)} fr`;
    shifted.title = `${((1000 * frames) / state.fps).toFixed(0)} ms`;
  }
  const offs = [stage.on(drawView), sync.on(() => stage.draw()), sync.on(drawShift)];
  stage.set({});
  drawShift(sync.state);

  function move(dx, dy) {
    const { view } = stage;
    if (view.mode === "wipe" && view.zoom === 1) stage.set({ wipe: view.wipe + 0.02 * dx });
    else stage.set({ x: view.x + (0.08 * dx) / view.zoom, y: view.y + (0.08 * dy) / view.zoom });
  }

  return {
    sync, stage,
    load: (blobs) => sync.load(blobs).then(() => stage.draw()),
    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return false;
      const action = {
        1: () => stage.set({ mode: "side" }), 2: () => stage.set({ mode: "wipe" }),
        3: () => stage.set({ mode: "difference" }), 4: () => stage.set({ mode: "flip" }),
        x: () => stage.set({ mode: "flip", flip: stage.view.mode === "flip" ? 1 - stage.view.flip : 1 }),
        "+": () => zoom(2), "=": () => zoom(2), "-": () => zoom(0.5), 0: () => zoom(0),
        e: () => shift(1), d: () => shift(-1), r: () => shift(0), "?": () => ask.click(), ...(state.closable ? { escape: leave } : {}),
        ...(stage.view.zoom > 1 || stage.view.mode === "wipe"
          ? { arrowleft: () => move(-1, 0), arrowright: () => move(1, 0) } : {}),
        ...(stage.view.zoom > 1 ? { arrowup: () => move(0, -1), arrowdown: () => move(0, 1) } : {}),
      }[event.key.toLowerCase()];
      if (action) action();
      return Boolean(action) || transportKey(sync, event);
    },
    dispose() {
      offs.forEach((off) => off());
      curves.dispose();
      transport.dispose();
      stage.dispose();
      sync.dispose();
    },
  };
}

export default { render: renderCompare };
