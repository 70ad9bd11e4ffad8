/* The clip wall of the prompt lab: takes as they arrive, sweeps as grids. The kernel side is wall.py. */

const SHOWN_AT_FIRST = 48;

function renderWall({ model, el }) {
  const root = make("section", { class: "hh hh-wall", "aria-label": "Takes" });
  el.append(root);
  const offTheme = followTheme(root);
  const fetcher = createFetcher(model);
  const takes = new Map(); // id -> take, in order of time
  let picks = [];
  let filter = "all";
  let most = SHOWN_AT_FIRST;
  let loaded = false;
  let notes = [];
  let saidBusy = "";

  const wall = {
    fetcher,
    act: (what, id, value) => model.send({ kind: "do", what, takes: [].concat(id), value }),
    pick(id) {
      picks = picks.includes(id) ? picks.filter((one) => one !== id) : [...picks, id].slice(-2);
      for (const take of takes.values()) take.update(take.card);
      drawBar();
    },
    picked: (id) => picks.indexOf(id),
    playing: () => chorus.running,
    hush(id) {
      for (const [each, take] of takes) if (each !== id) take.hush();
    },
  };
  const chorus = createChorus({
    members: () => [...takes.values()].filter((take) => take.element.dataset.seen).map((take) => take.video).filter(Boolean),
    heard: () => [...takes.values()].map((take) => take.video).find((video) => video && !video.muted) ?? null,
  });
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const take = takes.get(target.dataset.id);
      if (!take) continue;
      if (isIntersecting) {
        target.dataset.seen = "yes";
        take.show();
      } else delete target.dataset.seen;
    }
  }, { rootMargin: "300px" });

  // --- the bar ---------------------------------------------------------------------------------
  const group = `hh-filter-${Math.random()}`;
  const filters = [["all", "All"], ["favourites", "Favourites"]].map(([value, label]) => {
    const radio = make("input", { type: "radio", class: "hh-radio", name: group, ".checked": value === filter });
    radio.addEventListener("change", () => {
      filter = value;
      draw();
    });
    const count = make("span", {});
    return { value, label, radio, count, element: make("label", { class: "hh-chip" }, radio, count) };
  });
  const button = (text, press, title) => {
    const one = make("button", { type: "button", class: "hh-button", title }, text);
    one.addEventListener("click", press);
    return one;
  };
  const playAll = button("Play all", () => {
    const on = !chorus.running;
    for (const take of takes.values()) take.hush();
    if (on) chorus.start();
    else chorus.stop();
    drawBar();
  }, "All clips in view from the same moment on, in step and without sound; click one to hear it");
  const compare = button("Compare", () => wall.act("compare", picks), "Choose two takes with C, then compare them");
  const python = button("Python", () => wall.act("python", chosen()));
  const study = button("Study", () => wall.act("study", chosen()));
  const busyText = make("span", { class: "hh-busy-text" });
  const cancelAll = button("Cancel all", () => model.send({ kind: "do", what: "cancel_all", takes: [] }));
  cancelAll.classList.add("hh-warn");
  const bar = make("div", { class: "hh-bar" },
    make("fieldset", { class: "hh-ways" }, make("legend", { class: "hh-hidden" }, "Which takes"),
      ...filters.map((one) => one.element)),
    playAll, compare, make("span", { class: "hh-fill" }), busyText, cancelAll, python, study);
  const live = make("div", { class: "hh-hidden", "aria-live": "polite" });
  const toast = make("div", { class: "hh-toast", role: "status", hidden: true });
  const code = make("div", { class: "hh-code", hidden: true });
  const list = make("div", { class: "hh-take-list" });
  const older = button("Show older takes", () => {
    const last = [...list.querySelectorAll(".hh-take")].at(-1);
    most += SHOWN_AT_FIRST;
    draw();
    last?.focus();
  });
  root.append(bar, toast, code, list, older, live);

  function chosen() {
    const all = [...takes.values()].map((take) => take.card);
    const pinned = all.filter((card) => card.favourite);
    if (picks.length) return picks;
    return (pinned.length ? pinned : all.filter((card) => card.clip)).map((card) => card.id);
  }

  function drawBar() {
    const cards = [...takes.values()].map((take) => take.card);
    const pinned = cards.filter((card) => card.favourite).length;
    for (const one of filters)
      one.count.textContent = `${one.label} ${one.value === "all" ? cards.length : pinned}`;
    playAll.textContent = chorus.running ? "Stop all" : "Play all";
    playAll.setAttribute("aria-pressed", String(chorus.running));
    playAll.disabled = !cards.some((card) => card.clip);
    compare.disabled = picks.length !== 2;
    compare.textContent = picks.length === 1 ? "Compare A with …" : "Compare";
    const of = picks.length ? "chosen" : pinned ? `${pinned} favourite${pinned > 1 ? "s" : ""}` : "all";
    for (const [one, what] of [[python, "Code that makes them again"], [study, "A suite of these shots, for a study"]]) {
      one.disabled = !chosen().length;
      one.title = `${what} (${of})`;
    }
    python.textContent = "Copy as Python";
    study.textContent = "Make study";
    const busy = cards.filter((card) => BUSY.has(card.state));
    if (!busy.length && document.activeElement === cancelAll) filters[0].radio.focus();
    cancelAll.hidden = !busy.length;
    const left = Math.max(...busy.map((card) => card.left_s ?? NaN));
    busyText.textContent = busy.length ? [`${busy.length} to go`, sayLeft(Number.isNaN(left) ? null : left)].filter(Boolean).join(", ") : "";
    const said = busy.length ? `${busy.length} to go` : loaded && saidBusy ? "All done" : "";
    if (said !== saidBusy) live.textContent = saidBusy = said;
  }

  // --- the wall --------------------------------------------------------------------------------
  function draw() {
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    const cards = [...takes.values()].map((take) => take.card)
      .filter((card) => filter === "all" || card.favourite)
      .sort((a, b) => (a.id < b.id ? 1 : -1));
    const shown = cards.slice(0, most);
    older.hidden = shown.length === cards.length;
    const batches = new Map();
    for (const card of shown) {
      if (!batches.has(card.batch)) batches.set(card.batch, []);
      batches.get(card.batch).unshift(card);
    }
    const parts = [];
    let flow = null;
    for (const batch of batches.values()) {
      if (filter === "all" && batch.some((card) => card.row || card.column)) {
        flow = null;
        parts.push(sweep(batch));
      } else {
        if (!flow) parts.push(flow = make("div", { class: "hh-flow" }));
        flow.append(...batch.map((card) => takes.get(card.id).element));
      }
    }
    if (!parts.length) parts.push(empty());
    list.replaceChildren(...notes.map((note) => make("p", { class: "hh-small hh-bad" }, note)), ...parts);
    if (focused) { // what is moved or taken away loses it, and the next key would be the notebook's
      const here = focused.isConnected ? focused : list.querySelector(".hh-take") ?? filters[0].radio;
      here.focus({ preventScroll: true });
    }
    drawBar();
  }

  function sweep(batch) {
    const rows = [...new Set(batch.map((card) => card.row))];
    const columns = [...new Set(batch.map((card) => card.column))];
    const table = make("div", { class: "hh-grid", role: "table", "aria-label": "Sweep" });
    const hasRows = rows.some(Boolean);
    const hasColumns = columns.some(Boolean);
    table.style.gridTemplateColumns = `${hasRows ? "minmax(60px, max-content) " : ""}repeat(${columns.length}, minmax(150px, 240px))`;
    const cell = (role, cls, ...inside) => make("div", { role, class: cls }, ...inside);
    if (hasColumns)
      table.append(make("div", { role: "row", class: "hh-row" },
        ...(hasRows ? [cell("columnheader", "hh-head")] : []),
        ...columns.map((name) => cell("columnheader", "hh-head", name))));
    for (const row of rows) {
      const line = make("div", { role: "row", class: "hh-row" });
      if (hasRows) line.append(cell("rowheader", "hh-head hh-row-head", row));
      for (const column of columns) {
        const here = batch.filter((card) => card.row === row && card.column === column);
        line.append(cell("cell", "hh-cell", ...here.map((card) => takes.get(card.id).element)));
      }
      table.append(line);
    }
    const first = batch[0];
    return make("section", { class: "hh-sweep" },
      make("h3", { class: "hh-sweep-title" }, `Sweep of ${batch.length}`, make("span", {}, first.prompt)), table);
  }

  function empty() {
    const words = !loaded ? ["A moment", "Asking the kernel for earlier takes."]
      : filter === "favourites" ? ["No favourites yet", "Press the star of a take (or F) to pin it here."]
        : ["No takes yet", "Compose a shot and press Make: clips appear here as they are done, and stay after a restart."];
    return make("div", { class: "hh-note" }, make("b", {}, words[0]), make("span", {}, words[1]));
  }

  function put(card) {
    const known = takes.get(card.id);
    if (known) {
      const was = known.card;
      known.update(card);
      if (was.favourite !== card.favourite && filter === "favourites") draw();
      else drawBar();
      return;
    }
    const take = createTake(card, wall);
    take.element.dataset.id = card.id;
    takes.set(card.id, take);
    observer.observe(take.element);
  }

  // --- messages --------------------------------------------------------------------------------
  let toastTimer = 0;
  function say(text, bad) {
    toast.textContent = text;
    toast.classList.toggle("hh-bad", Boolean(bad));
    toast.hidden = false;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => (toast.hidden = true), bad ? 12000 : 5000);
  }

  async function showCode({ title, text, note }) {
    const pre = make("pre", { tabindex: 0, "aria-label": title }, text);
    const copy = button("Copy", async () => {
      try {
        await navigator.clipboard.writeText(text);
        say("Copied.");
      } catch {
        getSelection().selectAllChildren(pre); // no permission: selected, so that Ctrl-C does
        say("Selected: press Ctrl-C to copy.");
      }
    });
    const from = root.contains(document.activeElement) ? document.activeElement : python;
    const close = button("Close", () => {
      code.hidden = true;
      (from.isConnected ? from : python).focus();
    }, "Close (Esc)");
    code.replaceChildren(make("div", { class: "hh-bar" }, make("b", {}, title), make("span", { class: "hh-small" }, note ?? ""),
      make("span", { class: "hh-fill" }), copy, close), pre);
    code.hidden = false;
    copy.focus();
  }

  function onMessage(content) {
    if (content?.kind === "takes") {
      for (const id of [...takes.keys()])
        if (!content.cards.some((card) => card.id === id)) {
          takes.get(id).dispose();
          takes.delete(id);
        }
      content.cards.forEach(put);
      notes = content.notes ?? [];
      loaded = true;
      draw();
    } else if (content?.kind === "take") {
      const isNew = !takes.has(content.card.id);
      put(content.card);
      if (isNew) draw();
    } else if (content?.kind === "said") say(content.text, content.bad);
    else if (content?.kind === "code") showCode(content);
  }
  model.on("msg:custom", onMessage);
  root.addEventListener("keydown", (event) => {
    const here = event.target.closest?.(".hh-take");
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!here || event.target !== here || !by) return;
    const all = [...list.querySelectorAll(".hh-take")];
    all[(all.indexOf(here) + by + all.length) % all.length]?.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  code.addEventListener("keydown", (event) => {
    if (event.key === "Escape") code.querySelector("[title*=Esc]")?.click();
  });
  keepKeys(root);
  let offRoom = () => {};
  requestAnimationFrame(() => { // the form beside the wall is made of others' controls
    const room = root.closest(".hh-lab");
    if (room) offRoom = keepKeys(room);
  });
  draw();
  model.send({ kind: "hello" });
  return () => {
    model.off("msg:custom", onMessage);
    clearTimeout(toastTimer);
    chorus.stop();
    observer.disconnect();
    for (const take of takes.values()) take.dispose();
    fetcher.dispose();
    offTheme();
    offRoom();
    root.remove();
  };
}

export default { render: renderWall };
