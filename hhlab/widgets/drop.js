/* Where pictures and clips are dropped, pasted or chosen. The kernel side is drop.py. */

const LONGEST_PX = 1536; // pictures are made smaller in the page: large messages are lost on the way
const PART_BYTES = 1 << 20;
const MOST_CLIP_BYTES = 300 << 20;
const DROP_ZONES = {
  references: ["References", "One to four pictures of the person, in any pose", "image", 4],
  first_frame: ["First picture", "The clip begins with it", "image", 1],
  source: ["Clip to edit", "The prompt says what changes; all else stays", "video", 1],
  sound: ["Sound to keep", "A clip whose sound stays, under new pictures", "video", 1],
  picture: ["Pictures to keep", "A clip whose pictures stay, with new sound", "video", 1],
};

function renderDrop({ model, el }) {
  const root = make("div", { class: "hh hh-drop" });
  el.append(root);
  const offTheme = followTheme(root);
  keepKeys(root);
  const fetcher = createFetcher(model);
  const urls = new Map(); // key -> blob URL
  let busy = "";
  let state = { zones: [], items: {} };
  let problem = {};

  function draw() {
    const at = [...root.children].findIndex((box) => box.contains(document.activeElement));
    root.hidden = !state.zones.length;
    root.replaceChildren(...state.zones.map(zone));
    if (at >= 0) root.children[at]?.focus(); // else the next key would be the notebook's
  }

  function zone(name) {
    const [label, hint, kind, most] = DROP_ZONES[name];
    const items = state.items[name] ?? [];
    const input = make("input", {
      type: "file", class: "hh-hidden", accept: `${kind}/*`, multiple: most > 1, "aria-label": `${label}: choose files`, tabindex: -1,
    });
    input.addEventListener("change", () => add(name, [...input.files]));
    const choose = make("button", { type: "button", class: "hh-button hh-tiny", "aria-label": `Choose files for ${label.toLowerCase()}` }, "Choose…");
    choose.addEventListener("click", () => input.click());
    const full = items.length >= most;
    const box = make("div", {
      class: "hh-zone", tabindex: 0, role: "group", "aria-label": `${label}. ${hint}. Drop, paste or choose ${kind === "image" ? "pictures" : "a clip"}.`,
    },
      make("div", { class: "hh-zone-head" }, make("b", {}, label), make("span", { class: "hh-small" }, hint)),
      make("div", { class: "hh-things" }, ...items.map((item) => thing(name, item, kind)),
        full ? null : make("div", { class: "hh-empty-thing" },
          make("span", {}, busy || `Drop ${kind === "image" ? "a picture" : "a clip"}, or a take of the wall`),
          busy ? null : choose, input)),
      problem[name] ? make("p", { class: "hh-small hh-bad", role: "alert" }, problem[name]) : null);
    box.addEventListener("dragover", (event) => {
      event.preventDefault();
      event.stopPropagation();
      event.dataTransfer.dropEffect = "copy";
      box.classList.add("hh-over");
    });
    box.addEventListener("dragleave", () => box.classList.remove("hh-over"));
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation(); // else the browser, or JupyterLab, opens the file
      box.classList.remove("hh-over");
      const take = event.dataTransfer.getData("application/x-hhlab-take");
      if (take) model.send({ kind: "take", zone: name, take });
      else add(name, [...event.dataTransfer.files]);
    });
    box.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      event.stopPropagation();
      add(name, files);
    });
    return box;
  }

  function thing(zone, item, kind) {
    const view = make(kind === "image" ? "img" : "video", kind === "image"
      ? { alt: item.name, class: "hh-thing-view" }
      : { "aria-label": item.name, class: "hh-thing-view", loop: true, muted: true, ".muted": true, autoplay: true, playsinline: true });
    const remove = make("button", { type: "button", class: "hh-remove", "aria-label": `Remove ${item.name}`, title: "Remove" }, "×");
    remove.addEventListener("click", () => model.send({ kind: "remove", zone, key: item.key }));
    if (urls.has(item.key)) view.src = urls.get(item.key);
    else fetcher.get(item.key).then((blob) => {
      urls.set(item.key, URL.createObjectURL(blob));
      view.src = urls.get(item.key);
    }, () => view.classList.add("hh-broken"));
    return make("figure", { class: "hh-thing" }, view, remove, make("figcaption", { class: "hh-hidden" }, item.name));
  }

  async function add(zone, files) {
    const kind = DROP_ZONES[zone][2];
    problem = {};
    for (const file of files) {
      try {
        if (!file.type.startsWith(`${kind}/`))
          throw new Error(`${file.name} is not ${kind === "image" ? "a picture" : "a clip"}`);
        if (kind === "image") {
          const data = await smaller(file);
          model.send({ kind: "add", zone, name: file.name }, null, [data]);
        } else await sendClip(zone, file);
      } catch (error) {
        problem[zone] = error.message;
      }
    }
    busy = "";
    draw();
  }

  /** A picture's own bytes where it is small, else a PNG of it made smaller. */
  async function smaller(file) {
    let picture;
    try {
      picture = await createImageBitmap(file);
    } catch {
      throw new Error(`${file.name} is not a picture that can be opened`);
    }
    const scale = LONGEST_PX / Math.max(picture.width, picture.height);
    if (scale >= 1 && file.size < 4 << 20) return file.arrayBuffer();
    const canvas = make("canvas", {
      width: Math.max(1, Math.round(picture.width * Math.min(1, scale))),
      height: Math.max(1, Math.round(picture.height * Math.min(1, scale))),
    });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
    return blob.arrayBuffer();
  }

  async function sendClip(zone, file) {
    if (file.size > MOST_CLIP_BYTES) throw new Error(`${file.name} is larger than 300 MB`);
    const parts = Math.max(1, Math.ceil(file.size / PART_BYTES));
    const id = crypto.randomUUID?.() ?? String(Math.random());
    for (let part = 0; part < parts; part++) {
      busy = `Sending ${Math.round((100 * part) / parts)}%`;
      if (part % 8 === 0) draw();
      const data = await file.slice(part * PART_BYTES, (part + 1) * PART_BYTES).arrayBuffer();
      model.send({ kind: "clip", zone, name: file.name, id, part, parts }, null, [data]);
    }
  }

  function onMessage(content) {
    if (content?.kind === "state") {
      state = content;
      problem = {};
      draw();
    } else if (content?.kind === "no") {
      problem = { [content.zone]: content.reason };
      draw();
    }
  }
  model.on("msg:custom", onMessage);
  model.send({ kind: "hello" });
  return () => {
    model.off("msg:custom", onMessage);
    urls.forEach((url) => URL.revokeObjectURL(url));
    fetcher.dispose();
    offTheme();
    root.remove();
  };
}

export default { render: renderDrop };
