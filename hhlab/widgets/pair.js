/* The blind pair: asks the kernel what to show, shows it in step, and sends the answer once.

   An answer names its trial and attempt, so that the kernel can tell a second click, another tab or
   an old message from a new answer. The page only ever draws the last state that the kernel sent. */

const AGAIN_MS = 3000; // until the kernel is asked again
const SLOW_MS = 5000; // after which we say that it takes long
const GUARD_MS = 350; // after a trial appears, in which a key still meant for the last one does nothing

function render({ model, el }) {
  const view = createPairView({ onVote: vote, onUndo: undo, onSkip: skip, onFinish: finish, onNext: next });
  el.append(view.root);
  const unfollow = followTheme(view.root);
  const fetcher = createFetcher(model);
  const stored = new Map(); // key -> promise of a blob, of this and the next trial
  let state = null; // what the kernel said last
  let trial = null; // what is on show
  let sync = null;
  let transport = null;
  let extras = {};
  let since = 0; // when the clips could be seen
  let hidden = 0; // ms in which the page was not to be seen
  let hiddenAt = 0;
  let pending = null; // the answer that is on its way
  let waiting = null; // a state that is kept back while names are shown
  let urls = [];
  let timers = [];

  // --- from and to the kernel -------------------------------------------------------------------
  function hello() {
    model.send({ kind: "hello" });
  }
  function later(ms, what) {
    const timer = setTimeout(what, ms);
    timers.push(timer);
    return timer;
  }
  let asking = setInterval(hello, AGAIN_MS);
  later(SLOW_MS, () => state || view.message("wait", "The kernel does not answer yet",
    "If a cell is running, this starts when it is done. If the kernel was restarted, run the cell again: you come back to this very comparison."));

  function onMessage(content) {
    if (content?.kind === "state") {
      clearInterval(asking);
      if (pending && content.nonce === pending.nonce) settled(content);
      else if (!pending || content.trial?.id !== pending.trial || content.trial?.attempt !== pending.attempt) {
        pending = null; // answered meanwhile, here or elsewhere
        apply(content);
      }
    } else if (content?.kind === "failed" && pending && content.nonce === pending.nonce) {
      const again = pending.message;
      pending = null;
      view.chosen(null);
      view.enable(Boolean(sync?.state.ready));
      view.message("bad", content.sentence, "", ["Try again", () => submit(again)]);
    }
  }
  model.on("msg:custom", onMessage);

  function submit(message) {
    if (pending) return;
    const nonce = `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
    pending = { nonce, message, trial: message.trial, attempt: message.attempt };
    view.enable(false);
    view.mayUndo(false);
    view.message(null);
    model.send({ ...message, nonce });
    const mine = pending;
    later(600, () => mine === pending && view.message("wait", "Saving …", ""));
    later(SLOW_MS, () => mine === pending && view.message("wait", "Saving takes longer than usual",
      "The kernel is busy or was restarted. Your answer counts once, however often it is sent.",
      ["Send again", () => { pending = null; submit(message); }]));
  }

  function settled(content) {
    const { message } = pending;
    pending = null;
    view.message(null);
    if (content.revealed) {
      waiting = content;
      sync.pause();
      view.names(content.revealed);
      return;
    }
    apply(content);
    if (content.done === false) {
      view.message("info", "This was answered already", "In another tab, or by a second click. It counts once.");
      const mine = state;
      later(SLOW_MS, () => mine === state && !pending && view.message(null));
    } else if (message.kind === "vote") view.say(`Saved: ${SAID[message.outcome]}. ${where(content)}`);
    else if (message.kind === "skip") view.say(`Skipped. ${where(content)}`);
    else if (message.kind === "undo") view.say(`Taken back. ${where(content)}`);
  }

  function where({ progress, trial: now }) {
    return now ? `Comparison ${progress.answered + progress.skipped + 1} of ${progress.total}.` : "All done.";
  }

  // --- drawing ----------------------------------------------------------------------------------
  function apply(content) {
    state = content;
    view.message(null);
    view.progress(state.progress, state.trial);
    view.mayUndo(Boolean(state.undo));
    view.hints(state.hints);
    view.chosen(null);
    view.names(null);
    if (state.results) {
      leave();
      view.results(state.results);
    } else if (!state.trial) {
      leave();
      if (state.progress.total) view.done({ may: state.undo, reveal: state.reveal !== "never" });
      else view.message("info", "Nothing to compare yet", "There are no pairs of clips in this material.");
    } else if (state.trial.id !== trial?.id || state.trial.attempt !== trial?.attempt) show(state.trial);
    else view.enable(Boolean(sync?.state.ready));
  }

  function leave() {
    trial = null;
    transport?.dispose();
    sync?.dispose();
    sync = transport = null;
    urls.splice(0).forEach(URL.revokeObjectURL);
    forget([]);
  }

  function blob(key, onProgress) {
    if (!stored.has(key)) {
      const promise = fetcher.get(key, { onProgress });
      promise.catch(() => stored.delete(key));
      stored.set(key, promise);
    }
    return stored.get(key);
  }
  function keysOf(one) {
    if (!one) return [];
    const pictures = Array.from({ length: one.references }, (_, k) => `${one.id}/reference/${k}`);
    return [`${one.id}/left`, `${one.id}/right`, ...pictures];
  }
  function forget(keep) {
    for (const key of [...stored.keys()]) if (!keep.includes(key)) stored.delete(key);
  }

  async function show(next_) {
    const settings = sync ? { ...sync.state } : { rate: 1, loop: true, heard: 0 };
    const hadKeys = view.root.contains(document.activeElement);
    leave();
    trial = next_;
    const mine = trial;
    extras = {};
    view.show({ work: true, head: true });
    view.asked(trial);
    view.extras(state.dimensions, extras, (name, outcome) => {
      if (outcome) extras[name] = outcome;
      else delete extras[name];
    });
    view.enable(false);
    const share = [0, 0];
    view.loading(share);
    sync = createSync({ videos: view.videos, fps: trial.fps, frames: trial.frames, heard: settings.heard, loop: settings.loop });
    sync.setRate(settings.rate);
    view.screens(sync.screens);
    transport = createTransport(sync);
    view.bar.replaceChildren(transport.element);
    if (hadKeys || document.activeElement === document.body) view.root.focus({ preventScroll: true });
    try {
      const clips = await Promise.all(["left", "right"].map((name, k) => blob(`${mine.id}/${name}`, (part) => {
        share[k] = part;
        if (mine === trial) view.loading(share);
      })));
      if (mine !== trial) return;
      await sync.load(clips);
      if (mine !== trial) return;
    } catch (error) {
      if (mine === trial && error.name !== "AbortError") failed(error);
      return;
    }
    view.loading(null);
    since = performance.now();
    hidden = 0;
    hiddenAt = document.hidden ? since : 0;
    later(GUARD_MS, () => mine === trial && !pending && view.enable(true));
    view.say(`${where(state)} Both clips are ready.`);
    sync.play().catch(() => {});
    pictures(mine);
    keysOf(state.next).forEach((key) => blob(key).catch(() => {})); // ahead of time
    forget([...keysOf(mine), ...keysOf(state.next)]);
  }

  async function pictures(mine) {
    for (let k = 0; k < mine.references; k++) {
      const picture = await blob(`${mine.id}/reference/${k}`).catch(() => null);
      if (mine !== trial) return;
      if (!picture) continue;
      urls.push(URL.createObjectURL(picture));
      view.reference(urls.at(-1), k + 1);
    }
  }

  function failed() {
    view.loading(null);
    const again = trial;
    view.message("bad", "A clip cannot be shown", "Load it again, or skip this comparison.",
      ["Load again", () => { forget([]); view.message(null); trial = null; show(again); }],
      ["Skip", () => skip("A clip does not play")]);
  }

  // --- answering --------------------------------------------------------------------------------
  function mayAnswer() {
    return trial && sync?.state.ready && !pending && !waiting && performance.now() - since > GUARD_MS;
  }

  function vote(outcome) {
    if (!mayAnswer()) return;
    const seen = sync.stats();
    const took = performance.now() - since - hidden;
    view.chosen(outcome);
    submit({
      kind: "vote", trial: trial.id, attempt: trial.attempt, outcome, dimensions: { ...extras },
      took_s: Math.max(0, took) / 1000,
      observed: {
        seen: seen.seen, shown: seen.shown, plays: seen.plays, steps: seen.steps, heard_left_s: seen.heard[0],
        heard_right_s: seen.heard[1], skew_ms: seen.skew_ms, skew_frames: seen.skew_frames,
        late_ms: seen.late_ms, dropped: seen.dropped, hidden_s: hidden / 1000,
      },
    });
  }
  function skip(reason) {
    if (trial && !waiting) submit({ kind: "skip", trial: trial.id, attempt: trial.attempt, reason });
  }
  function undo() {
    if (state?.undo && !waiting) submit({ kind: "undo", ...state.undo });
  }
  function finish() {
    submit({ kind: "finish" });
  }
  function next() {
    const content = waiting;
    waiting = null;
    view.root.focus({ preventScroll: true });
    apply(content);
  }

  const VOTE_KEYS = { ArrowLeft: "a", ArrowRight: "b", ArrowDown: "tie", ArrowUp: "both_bad", 1: "a", 2: "tie", 3: "both_bad", 4: "b" };
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    const own = target.closest("input, select, textarea, dialog"); // these have uses for keys themselves
    if (own && !(own.type === "radio" && !event.key.startsWith("Arrow") && event.key !== " ")) return;
    if (target.closest("button") && [" ", "Enter"].includes(event.key)) return;
    if (act(event)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }
  function act(event) {
    const key = event.key;
    const outcome = event.shiftKey ? undefined : VOTE_KEYS[key];
    if (outcome) {
      if (!event.repeat) vote(outcome);
      return true;
    }
    const once = { u: undo, x: () => mayAnswer() && view.skips.showModal(), f: view.fullScreen,
      "?": () => view.keys.showModal(), Enter: () => waiting && next() }[key.length === 1 ? key.toLowerCase() : key];
    if (once) {
      if (!event.repeat) once();
      return true;
    }
    return sync?.state.ready ? transportKey(sync, event) : false;
  }
  view.root.addEventListener("keydown", onKey);
  keepKeys(view.root);
  view.root.addEventListener("pointerdown", (event) => {
    if (!event.target.closest("button, input, select, label, dialog, a")) view.root.focus({ preventScroll: true });
  });
  view.onPress(() => sync?.toggle());

  function onHidden() {
    if (document.hidden) hiddenAt = performance.now();
    else if (hiddenAt) {
      hidden += performance.now() - Math.max(hiddenAt, since);
      hiddenAt = 0;
    }
  }
  document.addEventListener("visibilitychange", onHidden);
  hello();

  return () => {
    clearInterval(asking);
    timers.forEach(clearTimeout);
    document.removeEventListener("visibilitychange", onHidden);
    model.off("msg:custom", onMessage);
    leave();
    fetcher.dispose();
    unfollow();
    view.root.remove();
  };
}

export default { render };
