/* The page of in_step.py: plays the clips, and keeps the numbers that one sees in window.seen. */

async ([script, style, clips, plan]) => {
  const root = document.getElementById("root");
  root.className = "hh";
  document.head.append(Object.assign(document.createElement("style"), { textContent: style }));
  const blob = (text) => new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))],
                                  { type: "video/mp4" });
  const boxes = clips.map(() => {
    const box = root.appendChild(document.createElement("div"));
    box.style.cssText = `width:${plan.wide}px;height:${plan.high}px;float:left;position:relative`;
    return box;
  });
  const videos = clips.map(() => document.createElement("video"));
  const seen = window.seen = [];
  let sync = null;
  if (plan.plain) {
    videos.forEach((video, side) => {
      Object.assign(video, { muted: side > 0, loop: true, src: URL.createObjectURL(blob(clips[side])) });
      video.style.cssText = "width:100%;height:100%";
      boxes[side].append(video);
    });
    await Promise.all(videos.map((video) => new Promise((done) => (video.oncanplaythrough = done))));
    await Promise.all(videos.map((video) => video.play()));
  } else {
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const { createSync } = await import(address);
    videos.forEach((video) => { video.className = "hh-source"; root.append(video); });
    sync = window.sync = createSync({ videos, fps: plan.fps, frames: plan.frames });
    sync.screens.forEach((screen, side) => boxes[side].append(screen));
    await sync.load(clips.map(blob));
    await sync.play();
  }
  if (plan.jam) setInterval(() => {
    const until = performance.now() + plan.jam;
    while (performance.now() < until);
  }, 2 * plan.jam);
  if (!plan.read) return;
  const canvas = Object.assign(document.createElement("canvas"), { width: 256, height: 2 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const number = (source, wide, high) => {
    context.drawImage(source, 0, high / 2, wide, 2, 0, 0, 256, 2);
    const row = context.getImageData(0, 0, 256, 1).data;
    let total = 0;
    for (let bit = 0; bit < plan.bits; bit++)
      total += (row[4 * Math.floor((256 * (bit + 0.5)) / plan.bits) + 1] > 128) << bit;
    return total;
  };
  const look = () => {
    if (plan.plain) seen.push(videos.map((video) => number(video, video.videoWidth, video.videoHeight)));
    else if (sync.state.playing)
      seen.push(sync.pictures().map((picture) => number(picture, picture.width, picture.height)));
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
