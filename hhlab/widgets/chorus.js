/* Many small clips from one moment on, in step: "Play all" of the wall.

   createChorus({ members, heard }) -> chorus
     members()        the videos that take part now; asked at every beat, so that one that comes later
                      falls in where the others are, and one that goes is stopped
     heard()          the one of them that sounds, or null
     chorus.running   chorus.start()   chorus.stop()

   All begin at zero. One that is ahead of the others goes slower until it is not, one that is behind
   faster (see pace.js); nobody hears it. Whose time counts: the one that is heard, else the middle one
   of all, so that a machine too slow for all of them slows all of them alike. A shorter clip rests on
   its last picture until the longest has ended; then all begin again. */

const BEAT_MS = 60;
const SLOW_MS = 1500; // until the others begin without one that is slow to get to its start
const LAST_S = 0.02; // nearer to its end than that nobody starts a clip

function createChorus({ members, heard }) {
  const inside = new Set();
  let running = false;
  let timer = 0;
  let round = 0; // what belonged to the one before is dropped

  const soon = (ms) => new Promise((done) => setTimeout(done, ms));

  async function toStart(video) {
    video.pause();
    video.playbackRate = 1;
    if (video.currentTime === 0 && video.readyState > 2) return;
    const there = arrived(video, video.currentTime === 0 ? "canplay" : "seeked").catch(() => {});
    video.currentTime = 0;
    await Promise.race([there, soon(SLOW_MS)]);
  }

  async function begin() {
    const mine = ++round;
    clearTimeout(timer);
    const all = gather();
    await Promise.all(all.map(toStart));
    if (mine !== round) return;
    for (const video of all) video.play().catch(() => {});
    timer = setTimeout(beat, BEAT_MS);
  }

  /** Those that take part now; whoever does not any more is let go. */
  function gather() {
    const all = members();
    for (const video of [...inside]) if (!all.includes(video)) letGo(video);
    for (const video of all) {
      inside.add(video);
      video.loop = false;
    }
    return all;
  }

  function letGo(video) {
    inside.delete(video);
    video.pause();
    video.loop = true;
    video.playbackRate = 1;
  }

  function beat() {
    timer = setTimeout(beat, BEAT_MS);
    const all = gather();
    const going = all.filter((video) => !video.paused && !video.ended && !video.seeking && video.readyState > 2);
    if (!going.length) {
      if (!all.some((video) => video.seeking)) begin();
      return;
    }
    const sounding = heard();
    const times = going.map((video) => video.currentTime).sort((a, b) => a - b);
    const time = going.includes(sounding) ? sounding.currentTime : times[(times.length - 1) >> 1];
    for (const video of all) follow(video, time, video === sounding);
  }

  function follow(video, time, leads) {
    if (video.ended || video.seeking || video.readyState < 1) return;
    const end = Math.max(0, video.duration - LAST_S);
    const change = leads ? 0 : speedChange(video.currentTime - time);
    if (video.paused || change === null) {
      video.currentTime = Math.min(time, end);
      if (time < end) video.play().catch(() => {});
    } else if (Math.abs(video.playbackRate - 1 - change) > 0.01) video.playbackRate = 1 + change;
  }

  return {
    get running() { return running; },
    start() {
      running = true;
      return begin();
    },
    stop() {
      running = false;
      round += 1;
      clearTimeout(timer);
      for (const video of [...inside]) letGo(video);
    },
  };
}
