/* Clips over the widget's own connection: bytes come as buffers of custom messages and become blobs.

   createFetcher(model).get(key, { onProgress, signal }) asks for portions, a few at a time, and asks
   again for one that does not come, so that neither a busy kernel nor a lost message ends it. */

const AT_ONCE = 3; // portions asked for and not yet there
const PATIENCE_MS = 4000; // then a portion is asked for again

export function createFetcher(model) {
  const open = new Map(); // key -> what is being fetched

  function ask(one, number) {
    one.asked.set(number, performance.now());
    model.send({ kind: "want", key: one.key, portion: number });
  }

  function more(one) {
    const now = performance.now();
    for (const [number, since] of one.asked) if (now - since > PATIENCE_MS) ask(one, number);
    while (one.asked.size < AT_ONCE && one.next < one.total) ask(one, one.next++);
  }

  function onMessage(content, buffers) {
    const one = content?.key !== undefined ? open.get(content.key) : undefined;
    if (!one) return;
    if (content.kind === "refused") {
      finish(one, () => one.reject(new Error(content.reason)));
    } else if (content.kind === "portion" && one.asked.delete(content.portion)) {
      const view = buffers[0];
      one.total = content.portions;
      one.type = content.type;
      // A copy: the message's memory may be used again.
      one.parts[content.portion] = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
      one.have += 1;
      one.onProgress?.(one.have / one.total);
      if (one.have === one.total) {
        finish(one, () => one.resolve(new Blob(one.parts, { type: one.type })));
      } else more(one);
    }
  }
  model.on("msg:custom", onMessage);

  function finish(one, settle) {
    clearInterval(one.timer);
    one.signal?.removeEventListener("abort", one.abort);
    open.delete(one.key);
    settle();
  }

  return {
    get(key, { onProgress, signal } = {}) {
      if (open.has(key)) return open.get(key).promise;
      if (signal?.aborted) return Promise.reject(new DOMException("given up", "AbortError"));
      const one = { key, onProgress, signal, asked: new Map(), next: 1, total: 1, parts: [], have: 0 };
      one.promise = new Promise((resolve, reject) => Object.assign(one, { resolve, reject }));
      one.abort = () => finish(one, () => one.reject(new DOMException("given up", "AbortError")));
      signal?.addEventListener("abort", one.abort);
      one.timer = setInterval(() => more(one), 1000);
      open.set(key, one);
      ask(one, 0); // the answer says how many there are
      return one.promise;
    },
    dispose() {
      model.off("msg:custom", onMessage);
      for (const one of [...open.values()]) one.abort();
    },
  };
}
