/* The pictures of one video by their numbers, and which of them is on show.

   Two <video> elements each change their picture when they are ready, so that they come apart by one
   or two for a moment now and then; and requestVideoFrameCallback, which tells of it, is itself late
   on a busy page. So nobody looks at the videos: each picture is copied to a canvas of its own as soon
   as its video has it, and whoever holds several reels decides which pictures are shown, on all of
   them in one go (see pace.js). What belongs to one page is drawn by the browser at one moment, so that
   what is seen is what was decided.

   createReel(video, fps) -> reel
     reel.element      what one looks at: the picture that was chosen last, as large as there is room
     reel.picture      the same as a canvas in the clip's own size, or null as long as there is none
     reel.take()       keeps the picture at which the video stands
     reel.newest       number of the picture taken last, -1 at first
     reel.has(number)  whether that picture is kept: the last few are
     reel.show(number) chooses it; the newest one where it is not kept
     reel.forget()     keeps none but the one on show
     reel.dispose()

   A picture's number is its time in the clip. A browser that has VideoFrame tells the time of the very
   picture that is copied; else that of requestVideoFrameCallback counts, else the video's clock. */

const KEPT = 5; // pictures beside the one on show: how far one side may be ahead of the other
const EARLY = 0.1; // of a frame: times are rounded to what a file's clock can express

export function createReel(video, fps) {
  const element = make("div", { class: "hh-reel" });
  const kept = new Map(); // number -> canvas, the one taken longest ago first
  const spare = [];
  let newest = -1;
  let onShow = null;
  let told = null; // what the browser said last of a picture, in s
  let over = false;

  function listen() { // also keeps a video that cannot be seen itself going at full rate
    video.requestVideoFrameCallback?.((_now, { mediaTime }) => {
      told = mediaTime;
      if (!over) listen();
    });
  }
  listen();

  const numberAt = (seconds) => Math.floor(seconds * fps + EARLY);

  function canvas() {
    if (kept.size >= KEPT)
      for (const [number, one] of kept)
        if (one !== onShow) {
          kept.delete(number);
          spare.push(one);
          break;
        }
    const found = spare.pop() ?? element.appendChild(make("canvas"));
    found.style.visibility = "hidden";
    const [width, height] = [video.videoWidth, video.videoHeight];
    if (found.width !== width || found.height !== height) Object.assign(found, { width, height });
    return found;
  }

  function keep(number, source) {
    if (kept.has(number)) return;
    const one = canvas();
    one.getContext("2d", { alpha: false }).drawImage(source, 0, 0, one.width, one.height);
    kept.set(number, one);
  }

  function take() {
    if (video.readyState < 2 || video.seeking || !video.videoWidth) return;
    const claimed = video.paused ? video.currentTime : told ?? video.currentTime;
    if (typeof VideoFrame === "undefined") {
      newest = numberAt(claimed);
      keep(newest, video);
      return;
    }
    let frame;
    try {
      frame = new VideoFrame(video);
    } catch {
      return; // there is no picture yet
    }
    newest = numberAt(frame.timestamp === null ? claimed : frame.timestamp / 1e6);
    keep(newest, frame);
    frame.close();
  }

  function show(number) {
    const next = kept.get(number) ?? kept.get(newest);
    if (!next || next === onShow) return;
    if (onShow) {
      onShow.style.visibility = "hidden";
      if (![...kept.values()].includes(onShow)) spare.push(onShow); // forgotten while it was on show
    }
    next.style.visibility = "visible";
    onShow = next;
  }

  function forget() {
    for (const [number, one] of kept) {
      kept.delete(number);
      if (one !== onShow) spare.push(one);
    }
    newest = -1;
    told = null;
  }

  return {
    element, take, show, forget,
    has: (number) => kept.has(number),
    get newest() { return newest; },
    get picture() { return onShow; },
    dispose() {
      over = true;
      for (const one of element.children) one.width = 0; // frees its memory now, not some time
      element.remove();
    },
  };
}
