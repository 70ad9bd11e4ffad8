/* Which pictures are shown together, and how a side that is ahead or behind is brought back: plain
   arithmetic, without videos or a page.

   A number without a side is one of the clip's time line; a side that is shifted shows another picture
   of its own at it, which is why each side is asked by a function `held(number)` of the common one. */

const BEHIND = 2; // pictures that may be waited for until neighbours are shown instead
const HARD_S = 0.4; // beyond that a side is put right by a seek, below by another speed
const CLOSE_S = 0.004; // nearer than anybody sees: left alone
const GAIN = 8; // change of speed per second of distance: three quarters of it are gone in 0.2 s
const SLOWEST = -0.9; // changes of speed; nobody hears the side whose speed is changed
const FASTEST = 1;

const bounded = (value, low, high) => Math.min(Math.max(value, low), high);

/** The next pictures, one number a side, or null: what is on show stays.

    The newest number after `shown` whose picture all sides have; where none has come for a while, the
    newest at which those who lack it have the one before. So sides are never more than one apart.
    `newest` is the newest number that the side has whose time counts. */
export function nextPictures(held, shown, newest) {
  for (let number = newest; number > shown; number--)
    if (held.every((has) => has(number))) return held.map(() => number);
  if (newest - shown < BEHIND) return null;
  for (let number = newest; number > shown; number--) {
    const found = held.map((has) => (has(number) ? number : has(number - 1) ? number - 1 : null));
    if (found.includes(number) && !found.includes(null)) return found;
  }
  return null;
}

/** The speed, as a change of the wanted one, of a side that is `ahead` seconds before (or, below 0,
    behind) the one whose time counts; null: too far away for that. */
export function speedChange(ahead) {
  if (Math.abs(ahead) > HARD_S) return null;
  return Math.abs(ahead) < CLOSE_S ? 0 : bounded(-ahead * GAIN, SLOWEST, FASTEST);
}
