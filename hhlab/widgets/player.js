/* Clips on one clock. No layout of its own: it makes what one looks at, put it where you like.

   The scripts of this folder are joined into one module by hhlab/widgets/assets.py (`script("player",
   "transport", ...)`), so that they see each other's functions without imports.

   player.js     createSync({ videos, fps, frames, heard = 0, loop = true }) -> sync
     videos        array of one or more <video>, in the page but out of sight: what is seen are the
                   screens; their order is the order of "sides" below
     fps, frames   frames per second and number of frames of the clips (all alike)
     heard         index of the side that sounds, or -1 for none
     sync.screens            elements that show the clips, one a side: put them into the page
     sync.pictures()         what they show now, as canvases, null where there is nothing yet. Sides are
                             never more than one picture apart, and mostly show the very same
     sync.load(sources)      array of Blob or null, one per video -> Promise, resolved when all can play;
                             rejects with an Error that says which side failed. Replaces what was there.
     sync.play() pause() toggle()      play resolves when all sides have started
     sync.seek(frame)                  exact; pauses; resolves when all sides show it. While clips are
                                       loaded it says where to begin
     sync.step(count)                  so many frames on (or back); pauses
     sync.setRate(0.25 .. 2) setLoop(bool) setHeard(side) setShift(side, frames)
     sync.state    { ready, playing, frame, frames, fps, time, rate, loop, heard, shift, blocked }
                   frame is the one on show; blocked: the browser refuses sound until the page is
                   clicked; playing goes on mute
     sync.on(callback) -> off          called with the state whenever it changes, and for every picture
     sync.stats()  { seen, shown, plays, steps, heard, skew_frames, skew_ms, late_ms, dropped }
                   seen: share of the clip that has gone by; shown: share of its pictures that were on
                   show; heard: seconds per side; skew: the most that sides on show were apart; late: the
                   longest that a picture was still on show while the sound had gone past it
     sync.dispose()                    stops, frees blob URLs
   video.js      one <video>: opened, and brought to a picture
   reel.js       the pictures of one video by number, and which is on show
   pace.js       which pictures are shown together, and how sides are kept together
   stats.js      what of a clip was seen and heard, and how well it played
   transport.js  createTransport(sync, { sides: ["Left", "Right"] }) -> { element, dispose }
                 play, step, scrub, loop, speed, sound: a bar with labels for screen readers
                 transportKey(sync, event) -> true if the key was for the player: space or k play, "," and "."
                 step, "<" and ">" ten frames, Home, End, l loop, s sound, "[" and "]" speed
   transfer.js   createFetcher(model) -> { get(key, { onProgress, signal }) -> Promise<Blob>, dispose }
                 clips as buffers of custom messages, never as traits or URLs; transfer.py answers
   theme.js      followTheme(element) -> off: class hh-dark where Jupyter's theme is dark
   player.css    the bar, and the colours --hh-* that follow Jupyter's theme
*/

export function createSync({ videos, fps, frames, heard = 0, loop = true }) {
  const state = {
    ready: false, playing: false, frame: 0, frames, fps, time: 0, rate: 1, loop, heard,
    shift: videos.map(() => 0), blocked: false,
  };
  const listeners = new Set();
  const urls = [];
  const reels = videos.map((video) => createReel(video, fps));
  let stats = createStats(fps, frames, videos.length);
  let generation = 0; // grows with each load, so that what belonged to the one before is dropped
  let busy = null; // the seek that is under way
  let wanted = null; // frame asked for meanwhile
  let aim = 0; // frame asked for last; where nothing was, the one on show
  let raf = 0;
  let last = 0;

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

  /** The picture of its own that a side shows at a frame of the common time line. */
  function own(side, frame) {
    return bounded(frame + state.shift[side], 0, frames - 1);
  }

  function clock() {
    const side = master();
    return videos[side].currentTime - state.shift[side] / fps;
  }

  /** Put pictures on show, on all sides in one go; one number of the common time line a side. */
  function present(numbers) {
    reels.forEach((reel, side) => loaded(side) && reel.show(own(side, numbers[side])));
    state.frame = Math.max(...numbers);
    state.time = state.frame / fps;
    stats.saw(numbers, state.playing);
  }

  async function seekAll(frame) {
    wanted = aim = bounded(frame, 0, frames - 1);
    if (busy) return busy;
    busy = (async () => {
      try {
        while (wanted !== null) {
          const at = wanted;
          wanted = null;
          await Promise.all(videos.map((video, side) =>
            loaded(side) && landOn(video, reels[side], own(side, at), fps)));
          present(videos.map(() => at));
          tell();
        }
      } finally {
        busy = null;
      }
    })();
    return busy;
  }

  async function load(sources) {
    halt();
    const mine = ++generation;
    release();
    stats = createStats(fps, frames, videos.length);
    Object.assign(state, { ready: false, frame: 0, time: 0 });
    aim = 0;
    tell();
    const waits = videos.map(async (video, side) => {
      reels[side].forget();
      urls[side] = sources[side] && URL.createObjectURL(sources[side]);
      try {
        await openVideo(video, urls[side]);
      } catch {
        if (mine === generation) throw new Error(`side ${side} cannot be played`);
      }
    });
    await Promise.all(waits);
    if (mine !== generation) return;
    applySound();
    let at;
    do {
      at = aim; // 0, or what was asked for meanwhile
      await seekAll(at);
      if (mine !== generation) return;
    } while (aim !== at);
    state.ready = true;
    tell();
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
    turnPictures();
    stats.waited(time, state.frame);
    if (time >= (frames - 0.5) / fps || first.ended) {
      atEnd();
      return;
    }
    if (!keepTogether(time)) restart(Math.floor(time * fps));
    else raf = requestAnimationFrame(follow);
  }

  function turnPictures() {
    const sides = videos.map((_, side) => side).filter(loaded);
    for (const side of sides) reels[side].take();
    const lead = master();
    const numbers = nextPictures(sides.map((side) => (number) => reels[side].has(own(side, number))),
      state.frame, reels[lead].newest - state.shift[lead]);
    if (!numbers) return;
    present(videos.map((_, side) => numbers[Math.max(0, sides.indexOf(side))]));
    aim = state.frame;
    tell();
  }

  function setSpeed(video, speed) {
    if (Math.abs(video.playbackRate - speed) > 0.01 * state.rate) video.playbackRate = speed;
  }

  /** Other speeds for those who are ahead or behind; false where that would take too long. */
  function keepTogether(time) {
    const lead = master();
    let near = true;
    setSpeed(videos[lead], state.rate);
    videos.forEach((video, side) => {
      if (side === lead || !loaded(side)) return;
      if (atEdge(side, time)) {
        video.pause();
        return;
      }
      const change = video.paused ? null : speedChange(video.currentTime - state.shift[side] / fps - time);
      if (change === null) near = false;
      else setSpeed(video, state.rate * (1 + change));
    });
    return near;
  }

  function atEdge(side, time) {
    // A shifted side rests on its first or last frame while the other one goes on.
    const at = time * fps + state.shift[side];
    return at < 0 || at > frames - 0.5;
  }

  async function restart(frame) {
    cancelAnimationFrame(raf);
    videos.forEach((video) => video.pause());
    const mine = generation;
    await seekAll(frame);
    if (mine !== generation || !state.playing) return;
    await startVideos().catch(halt);
    last = performance.now();
    raf = requestAnimationFrame(follow);
  }

  function atEnd() {
    stats.told.plays += 1;
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
    screens: reels.map((reel) => reel.element),
    pictures: () => reels.map((reel) => reel.picture),
    load,
    play,
    pause,
    toggle: () => (state.playing ? pause() : play()),
    seek(frame) {
      if (!state.ready) { // as soon as the clips are there
        aim = bounded(frame, 0, frames - 1);
        return Promise.resolve();
      }
      halt();
      return seekAll(frame);
    },
    step(count) {
      stats.told.steps += 1;
      return sync.seek(aim + count);
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
      return state.playing ? restart(state.frame) : seekAll(aim);
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stats() {
      const dropped = videos.map((v) => v.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0);
      return { ...stats.sum(), dropped: Math.max(...dropped) };
    },
    dispose() {
      halt();
      generation += 1;
      listeners.clear();
      document.removeEventListener("visibilitychange", onHidden);
      for (const reel of reels) reel.dispose();
      for (const video of videos) {
        video.removeAttribute("src");
        video.load();
      }
      release();
    },
  };
  return sync;
}
