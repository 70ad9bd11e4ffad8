/* What of a clip was seen and heard, and how well it played: createStats(fps, frames, sides). */

const GLANCE_S = 0.25; // pictures nearer than that in the clip have what lies between them go by

export function createStats(fps, frames, sides) {
  const gone = new Set(); // frames that went by
  const shown = new Set();
  const told = { plays: 0, steps: 0, skew_frames: 0, skew_ms: 0, late_ms: 0 };
  const heard = Array.from({ length: sides }, () => 0);
  let before = null; // the picture shown before, where the clip was going

  return {
    told, heard,
    /** Pictures came on show: one number a side. */
    saw(numbers, playing) {
      const frame = Math.max(...numbers);
      const apart = frame - Math.min(...numbers);
      told.skew_frames = Math.max(told.skew_frames, apart);
      told.skew_ms = Math.max(told.skew_ms, (1000 * apart) / fps);
      shown.add(frame);
      const from = playing && before !== null && frame > before && frame - before <= GLANCE_S * fps
        ? before + 1 : frame;
      for (let each = from; each <= frame; each++) gone.add(each);
      before = playing ? frame : null;
    },
    /** The sound is at `time`, in s, while `frame` is on show. */
    waited(time, frame) {
      told.late_ms = Math.max(told.late_ms, 1000 * (time - (frame + 1) / fps));
    },
    sum: () => ({ ...told, heard: [...heard], seen: gone.size / frames, shown: shown.size / frames }),
  };
}
