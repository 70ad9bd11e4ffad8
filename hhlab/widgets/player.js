/* Videos on one clock. No DOM of its own: give it <video> elements, lay them out as you like.

   The scripts of this folder are joined into one module by hhlab/widgets/assets.py (`script("player",
   "transport", ...)`), so that they see each other's functions without imports.

   player.js     createSync({ videos, fps, frames, heard = 0, loop = true }) -> sync
     videos        array of one or more <video>; their order is the order of "sides" below
     fps, frames   frames per second and number of frames of the clips (all alike)
     heard         index of the side that sounds, or -1 for none
     sync.load(sources)      array of Blob or null, one per video -> Promise, resolved when all can play;
                             rejects with an Error that says which side failed. Replaces what was there.
     sync.play() pause() toggle()      play resolves when all sides have started
     sync.seek(frame)                  exact; pauses; resolves when all sides show it
     sync.step(count)                  so many frames on (or back); pauses
     sync.setRate(0.25 .. 2) setLoop(bool) setHeard(side) setShift(side, frames)
     sync.state    { ready, playing, frame, frames, fps, time, rate, loop, heard, shift, blocked }
                   blocked: the browser refuses sound until the page is clicked; playing goes on mute
     sync.on(callback) -> off          called with the state whenever it changes, and on every frame
     sync.stats()  { seen, plays, steps, heard: seconds per side, skew_ms, skew_frames, dropped }
                   seen: share of frames shown so far; skew: largest so far, as the browser reports it
     sync.dispose()                    stops, frees blob URLs
   transport.js  createTransport(sync, { sides: ["Left", "Right"] }) -> { element, dispose }
                 play, step, scrub, loop, speed, sound: a bar with labels for screen readers
                 transportKey(sync, event) -> true if the key was for the player: space or k play, "," and "."
                 step, "<" and ">" ten frames, Home, End, l loop, s sound, "[" and "]" speed
   transfer.js   createFetcher(model) -> { get(key, { onProgress, signal }) -> Promise<Blob>, dispose }
                 clips as buffers of custom messages, never as traits or URLs; transfer.py answers
   theme.js      followTheme(element) -> off: class hh-dark where Jupyter's theme is dark
   player.css    the bar, and the colours --hh-* that follow Jupyter's theme
*/

const HARD_S = 0.4; // beyond that a side is put right by a seek, below by another speed
const CLOSE_S = 0.004; // nearer than anybody sees: left alone
const GAIN = 8; // change of speed per second of distance: three quarters of it are gone in 0.2 s
const SLOWEST = -0.9; // changes of speed; nobody hears the side whose speed is changed
const FASTEST = 1;

const bounded = (value, low, high) => Math.min(Math.max(value, low), high);

export function createSync({ videos, fps, frames, heard = 0, loop = true }) {
  const state = {
    ready: false, playing: false, frame: 0, frames, fps, time: 0, rate: 1, loop, heard,
    shift: videos.map(() => 0), blocked: false,
  };
  const listeners = new Set();
  const urls = [];
  const shown = videos.map(() => -1); // frame that each side shows, told by the browser
  let stats = fresh();
  let generation = 0; // grows with each load, so that what belonged to the one before is dropped
  let busy = null; // the seek that is under way
  let wanted = null; // frame asked for meanwhile
  let raf = 0;
  let last = 0;

  function fresh() {
    return { seen: new Set(), plays: 0, steps: 0, heard: videos.map(() => 0), skew_ms: 0,
      skew_frames: 0, dropped: 0 };
  }

  function tell() {
    for (const listener of [...listeners]) listener(state);
  }

  function loaded(side) {
    return Boolean(urls[side]);
  }

  function master() {
    // Whose time counts: whom one hears, since a change of speed is heard before it is seen.
    const fit = (side) => side >= 0 && loaded(side) && state.shift[side] === 0;
    return fit(state.heard) ? state.heard : Math.max(0, videos.findIndex((_, side) => fit(side)));
  }

  function place(side, frame) {
    // The middle of a frame: no rounding can land on its neighbour.
    const at = bounded(frame + state.shift[side], 0, frames - 1);
    return (at + 0.5) / fps;
  }

  function clock() {
    const side = master();
    return videos[side].currentTime - state.shift[side] / fps;
  }

  function showFrame(frame) {
    state.frame = bounded(frame, 0, frames - 1);
    state.time = state.frame / fps;
  }

  function arrived(video, event, done = () => false) {
    if (done()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const finish = (settle) => (what) => {
        video.removeEventListener(event, good);
        video.removeEventListener("error", bad);
        settle(what);
      };
      const good = finish(resolve);
      const bad = finish(() => reject(video.error ?? new Error("the clip cannot be played")));
      video.addEventListener(event, good);
      video.addEventListener("error", bad);
    });
  }

  function seekVideo(side, video, time) {
    if (!loaded(side)) return Promise.resolve();
    if (Math.abs(video.currentTime - time) < 1e-4 && !video.seeking) return Promise.resolve();
    const there = arrived(video, "seeked");
    video.currentTime = time;
    return there;
  }

  async function seekAll(frame) {
    showFrame(frame);
    if (busy) {
      wanted = state.frame;
      return busy;
    }
    busy = (async () => {
      try {
        wanted = state.frame;
        while (wanted !== null) {
          const at = wanted;
          wanted = null;
          await Promise.all(videos.map((video, side) => seekVideo(side, video, place(side, at))));
        }
      } finally {
        busy = null;
      }
      tell();
    })();
    return busy;
  }

  async function load(sources) {
    halt();
    const mine = ++generation;
    release();
    stats = fresh();
    shown.fill(-1);
    Object.assign(state, { ready: false, frame: 0, time: 0 });
    tell();
    const waits = videos.map(async (video, side) => {
      video.preload = "auto";
      video.playsInline = true;
      video.loop = false;
      if (!sources[side]) {
        video.removeAttribute("src");
        return;
      }
      urls[side] = URL.createObjectURL(sources[side]);
      const able = arrived(video, "canplaythrough");
      video.src = urls[side];
      try {
        await able;
      } catch {
        if (mine === generation) throw new Error(`side ${side} cannot be played`);
      }
    });
    await Promise.all(waits);
    if (mine !== generation) return;
    applySound();
    await seekAll(0);
    if (mine !== generation) return;
    state.ready = true;
    videos.forEach((_, side) => loaded(side) && watch(side, mine));
    tell();
  }

  function watch(side, mine) {
    const video = videos[side];
    if (!video.requestVideoFrameCallback) return;
    const see = (_now, { mediaTime }) => {
      if (mine !== generation) return;
      shown[side] = Math.round(mediaTime * fps) - state.shift[side];
      stats.seen.add(shown[side]);
      video.requestVideoFrameCallback(see);
    };
    video.requestVideoFrameCallback(see);
  }

  function applySound() {
    videos.forEach((video, side) => {
      video.muted = side !== state.heard || state.blocked;
    });
  }

  async function startVideos() {
    applySound();
    try {
      await Promise.all(videos.map(startVideo));
    } catch (error) {
      if (error.name !== "NotAllowedError") throw error;
      state.blocked = true; // no sound before the first click: go on without
      applySound();
      await Promise.all(videos.map(startVideo));
    }
  }

  function startVideo(video, side) {
    return loaded(side) && !atEdge(side, state.time) ? video.play() : Promise.resolve();
  }

  async function play() {
    if (!state.ready || state.playing) return;
    const mine = generation;
    state.playing = true;
    if (state.blocked && navigator.userActivation?.isActive) state.blocked = false;
    tell();
    try {
      await seekAll(state.frame >= frames - 1 ? 0 : state.frame);
      if (mine !== generation || !state.playing) return;
      await startVideos();
    } catch (error) {
      if (error.name !== "AbortError") { // a pause came between: not a failure
        halt();
        throw error;
      }
    }
    if (mine !== generation || !state.playing) return;
    last = performance.now();
    cancelAnimationFrame(raf);
    raf = requestAnimationFrame(follow);
  }

  function follow(now) {
    if (!state.playing) return;
    const first = videos[master()];
    if (first.paused && !first.ended) { // not by us: taken out of the page, or stopped by the browser
      halt();
      tell();
      return;
    }
    const time = clock();
    if (state.heard >= 0 && !state.blocked) stats.heard[state.heard] += (now - last) / 1000;
    last = now;
    if (time >= (frames - 0.5) / fps || first.ended) {
      atEnd();
      return;
    }
    let far = false;
    videos.forEach((video, side) => {
      if (side === master() || !loaded(side)) return;
      if (atEdge(side, time)) {
        video.pause();
        return;
      }
      const late = video.currentTime - state.shift[side] / fps - time;
      far ||= Math.abs(late) > HARD_S || video.paused;
      setSpeed(video, Math.abs(late) < CLOSE_S ? 0 : -late * GAIN);
    });
    setSpeed(videos[master()], 0);
    measure();
    showFrame(Math.floor(time * fps + 1e-3));
    tell();
    if (far) restart(state.frame);
    else raf = requestAnimationFrame(follow);
  }

  function atEdge(side, time) {
    // A shifted side rests on its first or last frame while the other one goes on.
    const at = time * fps + state.shift[side];
    return at < 0 || at > frames - 0.5;
  }

  function setSpeed(video, nudge) {
    const speed = state.rate * (1 + bounded(nudge, SLOWEST, FASTEST));
    if (Math.abs(video.playbackRate - speed) > 0.01 * state.rate) video.playbackRate = speed;
  }

  function measure() {
    const sides = videos.map((_, side) => side).filter(loaded);
    if (sides.length < 2 || sides.some((side) => shown[side] < 0 || videos[side].paused)) return;
    const frame = sides.map((side) => shown[side]);
    const apart = Math.max(...frame) - Math.min(...frame);
    const times = sides.map((side) => videos[side].currentTime - state.shift[side] / fps);
    stats.skew_frames = Math.max(stats.skew_frames, apart);
    stats.skew_ms = Math.max(stats.skew_ms, 1000 * (Math.max(...times) - Math.min(...times)));
  }

  async function restart(frame) {
    cancelAnimationFrame(raf);
    videos.forEach((video) => video.pause());
    const mine = generation;
    await seekAll(frame);
    if (mine !== generation || !state.playing) return;
    shown.fill(-1); // what was shown before the seek says nothing about what comes
    await startVideos().catch(halt);
    raf = requestAnimationFrame(follow);
  }

  function atEnd() {
    stats.plays += 1;
    if (state.loop) {
      restart(0);
      return;
    }
    halt();
    seekAll(frames - 1);
  }

  function halt() {
    cancelAnimationFrame(raf);
    state.playing = false;
    videos.forEach((video) => video.pause());
  }

  function pause() {
    if (!state.playing) return Promise.resolve();
    halt();
    tell();
    return seekAll(state.frame); // both sides rest on the very same frame
  }

  function release() {
    urls.splice(0).forEach((url) => url && URL.revokeObjectURL(url));
  }

  function onHidden() {
    if (document.hidden) pause();
  }
  document.addEventListener("visibilitychange", onHidden);

  const sync = {
    state,
    load,
    play,
    pause,
    toggle: () => (state.playing ? pause() : play()),
    seek(frame) {
      if (!state.ready) return Promise.resolve();
      halt();
      return seekAll(frame);
    },
    step(count) {
      stats.steps += 1;
      return sync.seek(state.frame + count);
    },
    setRate(rate) {
      state.rate = bounded(rate, 0.1, 4);
      videos.forEach((video) => (video.playbackRate = state.rate));
      tell();
    },
    setLoop(on) {
      state.loop = Boolean(on);
      tell();
    },
    setHeard(side) {
      state.heard = side;
      state.blocked = false;
      applySound();
      tell();
    },
    setShift(side, count) {
      state.shift[side] = Math.round(count);
      shown.fill(-1);
      return state.playing ? restart(state.frame) : seekAll(state.frame);
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stats() {
      const dropped = videos.map((v) => v.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0);
      const seen = [...stats.seen].filter((frame) => frame >= 0 && frame < frames).length;
      return { ...stats, heard: [...stats.heard], seen: seen / frames, dropped: Math.max(...dropped) };
    },
    dispose() {
      halt();
      generation += 1;
      listeners.clear();
      document.removeEventListener("visibilitychange", onHidden);
      for (const video of videos) {
        video.removeAttribute("src");
        video.load();
      }
      release();
    },
  };
  return sync;
}
