/* One <video>: opened, and brought to a picture. */

const LAND_MS = 600; // until a picture is given up that ought to come after a seek
const SOON_MS = 15;
const LOOK_MS = 100; // how often to look whether a seek has ended whose event nobody saw

/** Resolves with the event, rejects with what ails the video. */
function arrived(video, event) {
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

/** Resolves when the video has stopped seeking, or is emptied. */
async function stoodStill(video) {
  do await new Promise((done) => setTimeout(done, LOOK_MS));
  while (!video.error && video.networkState && (video.seeking || video.readyState < 2));
  if (video.error) throw video.error;
}

/** Resolves when the clip behind an address can be played to its end; null takes the clip away. */
async function openVideo(video, url) {
  video.preload = "auto";
  video.playsInline = true;
  video.loop = false;
  if (!url) {
    video.removeAttribute("src");
    return;
  }
  const able = arrived(video, "canplaythrough");
  video.src = url;
  await able;
}

/** Resolves when the reel has picture `number` of its video, whose position is then in its middle,
    from where no rounding can land on its neighbour. */
async function landOn(video, reel, number, fps) {
  const time = (number + 0.5) / fps;
  if (Math.abs(video.currentTime - time) > 1e-4 || video.seeking) {
    const there = arrived(video, "seeked");
    there.catch(() => {}); // whichever comes second is heard by nobody
    video.currentTime = time;
    await Promise.race([there, stoodStill(video)]);
  }
  const until = performance.now() + LAND_MS; // some browsers have the picture a little later
  for (reel.take(); !reel.has(number) && performance.now() < until; reel.take())
    await new Promise((done) => setTimeout(done, SOON_MS));
}
