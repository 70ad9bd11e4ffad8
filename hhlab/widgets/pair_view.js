/* What the blind pair looks like: elements and their states, no messages. See pair.js. */

const CHOICES = [
  ["a", "Left is better", "←"], ["tie", "Tie", "↓"], ["both_bad", "Both bad", "↑"],
  ["b", "Right is better", "→"],
];
const SKIPS = ["A clip does not play", "I cannot tell what was asked", "I know one of these clips",
  "It is unpleasant to watch"];
const SAID = { a: "left is better", b: "right is better", tie: "a tie", both_bad: "both are bad" };
const KEYS = [
  ["← or 1", "left is better"], ["→ or 4", "right is better"], ["↓ or 2", "tie"],
  ["↑ or 3", "both bad"], ["Space", "play, pause"], [", and .", "one frame back, on"],
  ["< and >", "ten frames back, on"], ["Home and End", "first, last frame"], ["S", "sound: left, right, off"],
  ["L", "loop"], ["[ and ]", "slower, faster"], ["U", "undo the last answer"],
  ["X", "skip, with a reason"], ["F", "full screen"], ["?", "these keys"],
];

function button(label, className, press, attributes = {}) {
  const element = make("button", { type: "button", class: `hh-button ${className}`, ...attributes }, label);
  element.addEventListener("click", press);
  return element;
}

/* A dialog that is part of the widget, so that it works in full screen and in any page. */
function sheet(title, ...content) {
  const close = button("Close", "hh-bare", () => element.close());
  const element = make("dialog", { class: "hh-sheet", "aria-label": title },
    make("div", { class: "hh-sheet-head" }, make("strong", {}, title), close), ...content);
  element.addEventListener("keydown", (event) => event.stopPropagation());
  element.addEventListener("click", (event) => event.target === element && element.close());
  return element;
}

function side(name) {
  const video = make("video", { class: "hh-source", playsinline: true, tabindex: "-1", "aria-hidden": "true" });
  const screen = make("div", { class: "hh-view", role: "img", "aria-label": `${name} clip` });
  const bar = make("div", { class: "hh-load-bar" });
  const load = make("div", { class: "hh-load" }, make("span", {}, "Loading"),
    make("div", { class: "hh-load-track" }, bar));
  const name_ = make("span", { class: "hh-side-name" }, name);
  const frame = make("div", { class: "hh-side" }, video, screen, load, name_);
  return { video, screen, bar, load, frame, name: name_ };
}

export function createPairView({ onVote, onUndo, onSkip, onRetry, onFinish, onNext }) {
  const root = make("section", { class: "hh hh-pair", tabindex: "0", "aria-label": "Blind comparison",
    "data-lm-suppress-shortcuts": "true" });
  const live = make("div", { class: "hh-hidden", "aria-live": "polite", role: "log" });

  // head: how far, and what else one can do
  const meter = make("div", { class: "hh-meter", role: "progressbar", "aria-label": "Answered",
    "aria-valuemin": 0 }, make("div", { class: "hh-meter-done" }));
  const count = make("span", { class: "hh-count" });
  const undo = button("Undo", "hh-quiet", onUndo, { title: "Take the last answer back (U)", "aria-keyshortcuts": "U" });
  const skip = button("Skip", "hh-quiet", () => skips.showModal(), { title: "Skip, with a reason (X)", "aria-keyshortcuts": "X" });
  const help = button("?", "hh-quiet hh-round", () => keys.showModal(), { "aria-label": "Keys", title: "Keys (?)" });
  const large = button("", "hh-quiet hh-round", () => fullScreen(), { "aria-label": "Full screen", title: "Full screen (F)" });
  large.append(icon("M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z"));
  const head = make("header", { class: "hh-top" }, count, meter, undo, skip, large, help);

  // what was asked
  const prompt = make("p", { class: "hh-prompt" });
  const references = make("div", { class: "hh-references" });
  const asked = make("div", { class: "hh-asked" }, prompt, references);

  const left = side("Left");
  const right = side("Right");
  const stage = make("div", { class: "hh-stage" }, left.frame, right.frame);
  const bar = make("div", { class: "hh-bar-place" });

  const extras = make("div", { class: "hh-extras" });
  const votes = CHOICES.map(([outcome, label, key]) => button("", `hh-vote hh-vote-${outcome}`,
    () => onVote(outcome), { "aria-label": label, "aria-keyshortcuts": { "←": "ArrowLeft", "→": "ArrowRight", "↑": "ArrowUp", "↓": "ArrowDown" }[key] }));
  votes.forEach((element, k) => element.append(
    make("span", { class: "hh-vote-label" }, CHOICES[k][1]),
    make("kbd", { "aria-hidden": "true" }, CHOICES[k][2])));
  const ballot = make("div", { class: "hh-ballot", role: "group", "aria-label": "Which clip is better?" }, ...votes);
  const note = make("p", { class: "hh-remark" });
  const foot = make("footer", { class: "hh-foot" }, note);

  const message = make("div", { class: "hh-message", hidden: true });
  const work = make("div", { class: "hh-work" }, asked, stage, bar, extras, ballot);
  const keys = sheet("Keys", make("dl", { class: "hh-key-list" }, ...KEYS.flatMap(([list, what]) =>
    [make("dt", {}, ...list.split(/( or | and )/).map((part, k) => k % 2 ? part : make("kbd", {}, part))),
      make("dd", {}, what)])));
  const other = make("input", { class: "hh-text", "aria-label": "Another reason", placeholder: "Another reason", maxlength: 300 });
  const send = (reason) => {
    if (!reason.trim()) return other.focus();
    skips.close();
    other.value = "";
    onSkip(reason.trim());
  };
  const form = make("form", { class: "hh-other" }, other, make("button", { class: "hh-button hh-main" }, "Skip"));
  form.addEventListener("submit", (event) => { event.preventDefault(); send(other.value); });
  const skips = sheet("Why skip this comparison?", make("div", { class: "hh-reasons" },
    ...SKIPS.map((reason, k) => button(reason, "", () => send(reason), { autofocus: k === 0 }))), form);
  const picture = make("dialog", { class: "hh-sheet hh-enlarged", "aria-label": "Reference" });
  picture.addEventListener("click", () => picture.close());
  root.append(head, message, work, foot, live, keys, skips, picture);

  function fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else root.requestFullscreen?.().catch(() => {});
  }

  const view = {
    root, videos: [left.video, right.video], bar, keys, skips, fullScreen,
    screens(elements) { // of the player: what the two sides show
      [left, right].forEach(({ screen }, k) => screen.replaceChildren(elements[k]));
    },
    onPress(press) { // on a picture
      for (const { screen } of [left, right]) screen.addEventListener("click", press);
    },
    say(text) { // lines are added, so that none is lost where two come in quick succession
      live.append(make("p", {}, text));
      while (live.childElementCount > 3) live.firstChild.remove();
    },

    progress({ total, answered, skipped }, trial) {
      const done = answered + skipped;
      count.replaceChildren(make("strong", {}, trial ? `Comparison ${done + 1}` : "Done"),
        ` of ${total}${skipped ? ` · ${skipped} skipped` : ""}`);
      if (!trial) count.replaceChildren(make("strong", {}, "All done"), skipped ? ` · ${skipped} skipped` : "");
      meter.setAttribute("aria-valuemax", total);
      meter.setAttribute("aria-valuenow", done);
      meter.firstChild.style.width = `${total ? (100 * done) / total : 0}%`;
    },

    mayUndo(may) { undo.disabled = !may; },

    hints(hints) {
      note.replaceChildren(...hints.slice(0, 1).flatMap(({ tone, sentence }) =>
        [make("span", { class: `hh-dot hh-${tone}`, "aria-hidden": "true" }), sentence]));
    },

    asked(trial) {
      prompt.textContent = trial.prompt ?? "";
      prompt.title = trial.prompt ?? "";
      asked.hidden = !trial.prompt && !trial.references;
      references.replaceChildren();
      stage.style.setProperty("--hh-ratio", trial.width / trial.height);
      stage.title = `Sealed before you saw it: ${trial.seal}…`;
    },

    reference(url, number) {
      const image = make("img", { src: url, alt: `Reference ${number}` });
      const open = button("", "hh-thumb", () => {
        picture.replaceChildren(make("img", { src: url, alt: `Reference ${number}, large` }));
        picture.showModal();
      }, { "aria-label": `Reference ${number}, enlarge` });
      open.append(image);
      references.append(open);
    },

    loading(share) { // 0..1 per side, or null when there is nothing to wait for
      [left, right].forEach(({ load, bar: line }, k) => {
        load.hidden = share === null;
        if (share) line.style.width = `${Math.round(100 * share[k])}%`;
      });
      root.setAttribute("aria-busy", String(share !== null));
    },

    extras(dimensions, given, choose) {
      extras.hidden = !dimensions.length;
      const answers = [["a", "Left"], ["tie", "Same"], ["b", "Right"]];
      extras.replaceChildren(...(dimensions.length
        ? [make("span", { class: "hh-extras-title" }, "If you like, first:")] : []),
      ...dimensions.map((name) => make("fieldset", { class: "hh-extra" }, make("legend", {}, name),
        ...answers.map(([outcome, label]) => {
          const radio = make("input", { type: "radio", class: "hh-radio", name: `hh-extra-${name}`,
            value: outcome, ".checked": given[name] === outcome });
          radio.addEventListener("click", () => { // a second click takes it back
            if (given[name] === outcome) radio.checked = false;
            choose(name, radio.checked ? outcome : null);
          });
          return make("label", { class: "hh-chip" }, radio, label);
        }))));
    },

    enable(on) { // may one answer now?
      for (const element of [...votes, skip]) element.disabled = !on;
      extras.classList.toggle("hh-off", !on);
    },

    chosen(outcome) {
      votes.forEach((element, k) => element.classList.toggle("hh-chosen", CHOICES[k][0] === outcome));
    },

    names(revealed) { // after a vote: whose clips those were; null hides it
      [[left, "left", "Left"], [right, "right", "Right"]].forEach(([{ name }, key, plain]) => {
        name.textContent = revealed ? revealed[key] : plain;
        name.classList.toggle("hh-named", Boolean(revealed));
      });
      ballot.hidden = Boolean(revealed);
      bar.nextSibling.hidden = Boolean(revealed) || !extras.childElementCount;
      root.querySelector(".hh-after")?.remove();
      if (!revealed) return;
      const said = `You said: ${SAID[revealed.outcome]}.${revealed.test ? ` This was a test: ${revealed.test}.` : ""}`;
      const next = button("Next", "hh-main", onNext, { "aria-keyshortcuts": "Enter" });
      ballot.after(make("div", { class: "hh-after" }, make("span", {}, said), next));
      view.say(`Left was ${revealed.left}, right was ${revealed.right}. ${said}`);
      next.focus({ preventScroll: true });
    },

    message(kind, title, text, ...actions) { // null: none
      message.hidden = kind === null;
      if (kind === null) return;
      message.className = `hh-message hh-message-${kind}`;
      message.setAttribute("role", kind === "bad" ? "alert" : "status");
      message.replaceChildren(
        ...(kind === "wait" ? [make("span", { class: "hh-spin", "aria-hidden": "true" })] : []),
        make("div", { class: "hh-message-text" }, make("strong", {}, title), text ? make("p", {}, text) : null),
        ...actions.map(([label, press]) => button(label, "hh-main", press)));
    },

    retry: onRetry,

    show({ work: on, head: top }) {
      work.hidden = foot.hidden = !on;
      head.hidden = !top;
    },

    done({ may, reveal }) {
      view.show({ work: false, head: true });
      const actions = reveal ? [["Show whose clips they were", onFinish]] : [];
      const text = reveal
        ? "After that, answers cannot be changed any more." : may ? "You can still take the last answer back." : "You can close this page.";
      view.message("done", "That was all. Thank you!", text, ...actions);
    },

    results({ answers, tests }) {
      view.show({ work: false, head: true });
      const won = (answer, key) => answer.outcome === (key === "left" ? "a" : "b");
      const cell = (answer, key) => make("td", { class: won(answer, key) ? "hh-won" : "" },
        answer[key], won(answer, key) ? make("span", { class: "hh-hidden" }, " (preferred)") : null);
      const rows = answers.map((answer, k) => make("tr", {},
        make("td", {}, String(k + 1)), cell(answer, "left"), cell(answer, "right"),
        make("td", {}, answer.reason ? `skipped: ${answer.reason}` : SAID[answer.outcome],
          answer.test ? make("em", {}, ` · test: ${answer.test}`) : null)));
      view.message("done", "Whose clips they were", tests ? `Test trials: ${tests}` : "");
      message.append(make("div", { class: "hh-table" }, make("table", {},
        make("thead", {}, make("tr", {}, ...["", "Left", "Right", "You said"].map((t) => make("th", { scope: "col" }, t)))),
        make("tbody", {}, ...rows))));
    },
  };
  view.enable(false);
  view.message("wait", "Waiting for the kernel …", "");
  view.show({ work: false, head: false });
  return view;
}
