/* The bar under the videos: play, step, scrub, loop, speed, sound. See player.js. */

const SPEEDS = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2];
const ICONS = {
  play: "M7 4.5v15l12-7.5z",
  pause: "M6.5 5h4v14h-4zM13.5 5h4v14h-4z",
  back: "M17 5v14L7.5 12zM5 5h2.2v14H5z",
  on: "M7 5v14l9.5-7zM16.8 5H19v14h-2.2z",
  loop: "M7 7h9.2l-1.9-1.9L15.7 3.7 20 8l-4.3 4.3-1.4-1.400L16.2 9H8v3H6V8a1 1 0 0 1 1-1zM17 17H7.800l1.9 1.9-1.4 1.400L4 16l4.3-4.3 1.4 1.400L7.8 15H16v-3h2v4a1 1 0 0 1-1 1z",
  sound: "M4 9.500v5h3.300L12 18.500v-13L7.3 9.500zM14.5 8.500a4.5 4.5 0 0 1 0 7zM14.5 5.200a8 8 0 0 1 0 13.600v-1.900a6.3 6.3 0 0 0 0-9.800z",
  mute: "M4 9.500v5h3.300L12 18.500v-13L7.3 9.500zM15 9.700l1.2-1.2 2 2 2-2 1.2 1.2-2 2 2 2-1.2 1.2-2-2-2 2-1.2-1.2 2-2z",
};

/** An element with attributes, properties (".name") and children; text is always text, never HTML. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith(".")) element[name.slice(1)] = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "hh-icon");
  path.setAttribute("d", ICONS[name] ?? name);
  svg.append(path);
  return svg;
}

function iconButton(name, label, keys, press) {
  const button = make("button", {
    type: "button", class: "hh-button hh-bare", "aria-label": label,
    title: keys ? `${label} (${keys})` : label, "aria-keyshortcuts": keys || null,
  }, icon(name));
  button.addEventListener("click", press);
  return button;
}

function setIcon(button, name) {
  if (button.dataset.icon === name) return;
  button.dataset.icon = name;
  button.replaceChildren(icon(name));
}

export function createTransport(sync, { sides = ["Left", "Right"] } = {}) {
  const play = iconButton("play", "Play", "Space", () => sync.toggle());
  const back = iconButton("back", "One frame back", ",", () => sync.step(-1));
  const on = iconButton("on", "One frame on", ".", () => sync.step(1));
  const loop = iconButton("loop", "Loop", "L", () => sync.setLoop(!sync.state.loop));
  const scrub = make("input", {
    type: "range", class: "hh-scrub", min: 0, max: Math.max(0, sync.state.frames - 1), step: 1,
    ".value": 0, "aria-label": "Frame",
  });
  scrub.addEventListener("input", () => sync.seek(Number(scrub.value)));
  const time = make("span", { class: "hh-time" });
  const speed = make("select", { class: "hh-select", "aria-label": "Speed", title: "Speed ([ and ])" },
    ...SPEEDS.map((each) => make("option", { value: each }, `${each}×`)));
  speed.addEventListener("change", () => sync.setRate(Number(speed.value)));

  const names = [...sides.map((name, side) => [name, side]), ["Off", -1]];
  const radios = names.map(([name, side]) => {
    const radio = make("input", { type: "radio", name: `hh-sound-${Math.random()}`, value: side,
      class: "hh-radio" });
    radio.addEventListener("change", () => sync.setHeard(side));
    return [radio, make("label", { class: "hh-chip" }, radio, name)];
  });
  radios.forEach(([radio]) => (radio.name = radios[0][0].name));
  const speaker = make("span", { class: "hh-speaker" });
  const sound = make("fieldset", { class: "hh-sound", title: "Whom one hears (S)" },
    make("legend", { class: "hh-hidden" }, "Sound from"), speaker,
    ...radios.map(([, label]) => label));

  const element = make("div", { class: "hh-transport", role: "group", "aria-label": "Player" },
    back, play, on, scrub, time, loop, speed, sound);

  function draw(state) {
    const label = state.playing ? "Pause" : "Play";
    setIcon(play, state.playing ? "pause" : "play");
    play.setAttribute("aria-label", label);
    play.title = `${label} (Space)`;
    for (const each of [play, back, on, scrub]) each.disabled = !state.ready;
    loop.setAttribute("aria-pressed", String(state.loop));
    if (document.activeElement !== scrub || state.playing) scrub.value = state.frame;
    const seconds = (state.frame / state.fps).toFixed(2);
    scrub.setAttribute("aria-valuetext", `frame ${state.frame + 1} of ${state.frames}, ${seconds} s`);
    scrub.style.setProperty("--hh-done", `${(100 * state.frame) / Math.max(1, state.frames - 1)}%`);
    time.textContent = `${state.frame + 1} / ${state.frames}  ${seconds} s`;
    if (!SPEEDS.includes(state.rate)) speed.selectedIndex = -1;
    else speed.value = String(state.rate);
    setIcon(speaker, state.heard < 0 || state.blocked ? "mute" : "sound");
    sound.classList.toggle("hh-blocked", state.blocked);
    for (const [radio] of radios) radio.checked = Number(radio.value) === state.heard;
  }
  const off = sync.on(draw);
  draw(sync.state);
  return { element, dispose: () => { off(); element.remove(); } };
}

export function transportKey(sync, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const { state } = sync;
  const sides = state.shift.length;
  const nearest = SPEEDS.reduce((best, each) =>
    Math.abs(each - state.rate) < Math.abs(best - state.rate) ? each : best);
  const speed = (by) => sync.setRate(
    SPEEDS[Math.min(Math.max(SPEEDS.indexOf(nearest) + by, 0), SPEEDS.length - 1)]);
  const action = {
    " ": () => sync.toggle(), k: () => sync.toggle(),
    ",": () => sync.step(-1), ".": () => sync.step(1),
    "<": () => sync.step(-10), ">": () => sync.step(10),
    home: () => sync.seek(0), end: () => sync.seek(state.frames - 1),
    l: () => event.repeat || sync.setLoop(!state.loop),
    s: () => event.repeat || sync.setHeard(state.heard + 1 >= sides ? -1 : state.heard + 1),
    "[": () => speed(-1), "]": () => speed(1),
  }[event.key.toLowerCase()];
  if (!action) return false;
  action();
  return true;
}
