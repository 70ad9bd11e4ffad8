/* One card of the wall: a clip that was asked for, from waiting to measured.

   createTake(card, wall) -> { element, video, update(card), show(), hide(), hush(), dispose }
     video  null as long as there is no clip in it
     wall: { fetcher, act(what, id, value), pick(id) -> void, picked(id) -> 0, 1 or -1,
             playing() -> whether all play at the moment, hush(id) -> all but this one are not heard } */

const STATES = {
  waiting: "Waiting", running: "Being made", measuring: "Being measured", done: "", failed: "Failed",
  cancelled: "Stopped", interrupted: "Interrupted",
};
const BUSY = new Set(["waiting", "running", "measuring"]);
const TAKE_ICONS = {
  star: "M12 3.6l2.6 5.300 5.800.8-4.200 4.100 1 5.800L12 16.900l-5.200 2.700 1-5.800L3.600 9.700l5.800-.8z",
  sides: "M4 5h7v14H4zM13 5h7v14h-7z",
  more: "M5 10.300a1.700 1.700 0 1 1 0 3.400 1.700 1.700 0 0 1 0-3.400zM12 10.300a1.700 1.700 0 1 1 0 3.400 1.700 1.700 0 0 1 0-3.400zM19 10.300a1.700 1.700 0 1 1 0 3.400 1.700 1.700 0 0 1 0-3.400z",
  stop: "M6.400 5L12 10.600 17.600 5 19 6.400 13.400 12 19 17.600 17.600 19 12 13.400 6.400 19 5 17.600 10.600 12 5 6.400z",
};
const MENU = [
  ["again", "Same again, new seed", () => true],
  ["use", "Take over into the form", () => true],
  ["edit", "Edit this clip", (card) => card.clip],
  ["first", "Start from its first picture", (card) => card.clip],
  ["reference", "Use its face as reference", (card) => card.clip],
  ["measure", "Measure again", (card) => card.clip && !BUSY.has(card.state)],
  ["python", "Copy as Python", () => true],
];

function sayLeft(seconds) {
  if (seconds == null) return "";
  const whole = Math.max(1, Math.round(seconds));
  return whole < 90 ? `${whole} s left` : `${Math.round(whole / 60)} min left`;
}

/** A chip a metric; what could not be told shares one, so that it does not crowd out what could. */
function drawScores(all) {
  const open = all.filter((score) => score.status === "undetermined");
  const rest = open.length > 1 ? all.filter((score) => !open.includes(score)) : all;
  const chip = (status, says, title, text) =>
    make("li", { class: `hh-score hh-${status}`, title: says }, make("span", {}, title), make("b", {}, text));
  const chips = rest.map((score) => chip(score.status, score.says, score.title, score.text));
  if (rest === all) return chips;
  const join = (key, by) => open.map((score) => score[key]).join(by);
  return [...chips, chip("undetermined", join("says", "\n"), join("title", ", "), "?")];
}

function createTake(card, wall) {
  const video = make("video", { class: "hh-take-video", ".muted": true, loop: true, playsinline: true, tabindex: -1, preload: "auto" });
  const veil = make("div", { class: "hh-veil" });
  const bar = make("progress", { max: 1, "aria-label": "Progress" });
  const status = make("span", { class: "hh-status" });
  const reason = make("span", { class: "hh-reason" });
  const cancel = make("button", { type: "button", class: "hh-button hh-tiny" }, "Cancel");
  cancel.addEventListener("click", () => wall.act("cancel", card.id));
  veil.append(status, bar, reason, cancel);
  const star = iconButton(TAKE_ICONS.star, "Favourite", "F", () => wall.act("favourite", card.id, !card.favourite));
  const pick = iconButton(TAKE_ICONS.sides, "Choose for comparing", "C", () => wall.pick(card.id));
  star.classList.add("hh-star");
  const letter = make("b", { class: "hh-letter", "aria-hidden": "true" });
  const contender = make("span", { class: "hh-contender" });
  const screen = make("div", { class: "hh-screen" }, video, veil, contender, letter);
  screen.addEventListener("click", (event) => event.target.closest("button") || toggle());

  const menu = make("div", { class: "hh-menu-list", role: "menu" });
  const more = make("summary", { class: "hh-button hh-bare", "aria-label": "More", title: "More" }, icon(TAKE_ICONS.more));
  const box = make("details", { class: "hh-menu" }, more, menu);
  box.addEventListener("toggle", () => {
    if (!box.open) return;
    menu.replaceChildren(...MENU.filter(([, , fits]) => fits(card)).map(([what, label]) => {
      const entry = make("button", { type: "button", role: "menuitem", class: "hh-menu-entry" }, label);
      entry.addEventListener("click", () => {
        box.open = false;
        more.focus();
        wall.act(what, card.id);
      });
      return entry;
    }));
    menu.querySelector("button")?.focus();
  });
  box.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !box.contains(event.relatedTarget)) box.open = false;
  });
  box.addEventListener("keydown", (event) => {
    const entries = [...menu.children];
    const at = entries.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }[event.key];
    if (box.open && event.key === "Escape") {
      box.open = false;
      more.focus();
    } else if (box.open && to !== undefined) {
      entries[(to + entries.length) % entries.length].focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const prompt = make("p", { class: "hh-take-prompt" });
  const facts = make("p", { class: "hh-small" });
  const unknown = make("p", { class: "hh-small hh-passed-over" });
  const scores = make("ul", { class: "hh-scores" });
  const element = make("article", { class: "hh-take", tabindex: 0, draggable: true },
    screen, make("div", { class: "hh-take-body" }, prompt, unknown, facts, scores),
    make("div", { class: "hh-take-bar" }, star, pick, make("span", { class: "hh-fill" }), box));
  element.addEventListener("dragstart", (event) => {
    if (!card.clip) return event.preventDefault();
    event.dataTransfer.setData("application/x-hhlab-take", card.id);
    event.dataTransfer.effectAllowed = "copy";
  });
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target !== element && !/^[fcx]$/i.test(event.key)) return;
    const action = {
      " ": toggle, enter: toggle, f: () => star.click(), c: () => pick.click(),
      x: () => BUSY.has(card.state) && cancel.click(),
    }[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  });

  let url = null;
  let wanted = null; // what ends a fetch that is no longer wanted
  let fetched = "";

  async function show() {
    if (!card.clip || url || wanted) return;
    wanted = new AbortController();
    element.classList.add("hh-loading");
    try {
      const blob = await wall.fetcher.get(card.clip, { signal: wanted.signal });
      url = URL.createObjectURL(blob);
      fetched = card.clip;
      video.src = url;
    } catch (error) {
      if (error.name !== "AbortError") reason.textContent = `Cannot be shown: ${error.message}`;
    }
    wanted = null;
    element.classList.remove("hh-loading");
  }

  function hide() {
    wanted?.abort();
    wanted = null;
    if (!url) return;
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
    url = null;
  }

  function hush() {
    video.muted = true;
    if (!wall.playing()) video.pause();
  }

  function toggle() {
    if (!url) return;
    const on = video.muted || (video.paused && !wall.playing());
    wall.hush(card.id);
    video.muted = !on;
    if (wall.playing()) return; // where all play, one chooses only whom one hears
    if (on) video.play().catch(() => {});
    else video.pause();
  }

  function update(now) {
    const before = card;
    card = now;
    if (card.clip !== fetched && url) hide();
    const busy = BUSY.has(card.state);
    element.dataset.state = card.state;
    element.classList.toggle("hh-busy-take", busy);
    contender.textContent = card.contender;
    status.textContent = [STATES[card.state], busy ? sayLeft(card.left_s) : ""].filter(Boolean).join(", ");
    reason.textContent = card.reason;
    reason.title = card.reason;
    bar.hidden = !(card.state === "running" || card.state === "measuring");
    if (card.total) bar.value = card.done / card.total;
    else bar.removeAttribute("value");
    if (!busy && document.activeElement === cancel) element.focus(); // what is hidden has no focus
    cancel.hidden = !busy;
    veil.hidden = card.state === "done" && !card.reason;
    veil.classList.toggle("hh-veil-low", Boolean(card.clip));
    star.setAttribute("aria-pressed", String(card.favourite));
    const side = wall.picked(card.id);
    pick.setAttribute("aria-pressed", String(side >= 0));
    pick.disabled = !card.clip;
    letter.textContent = side < 0 ? "" : "AB"[side];
    letter.className = `hh-letter hh-side-${side}`;
    prompt.textContent = card.prompt;
    prompt.title = card.prompt;
    facts.textContent = card.facts.map((fact) => fact.replaceAll(" ", "\u00a0")).join(" · ");
    const passedOver = card.unknown.length ? `Not understood: ${card.unknown.join(", ")}` : "";
    unknown.textContent = passedOver;
    unknown.hidden = !passedOver;
    unknown.title = passedOver && `${card.contender} does not know these words and has passed over them`;
    if (JSON.stringify(before.scores) !== JSON.stringify(card.scores) || !scores.childElementCount)
      scores.replaceChildren(...drawScores(card.scores));
    element.setAttribute("aria-label",
      [card.contender, ...card.facts, STATES[card.state] || "done", passedOver,
        card.favourite ? "favourite" : ""].filter(Boolean).join(", "));
    if (card.clip && element.dataset.seen) show();
  }
  update(card);
  return {
    element, update, show, hide, hush,
    get card() { return card; },
    get video() { return url ? video : null; },
    dispose() {
      hide();
      element.remove();
    },
  };
}
