/**
 * Number of characters to insert, delete, replace or swap with their neighbour to get from one text to the
 * other.
 */
function distance(from: string, to: string): i32 {
  const width = to.length + 1;
  const cells = new StaticArray<i32>((from.length + 1) * width);
  for (let i = 0; i <= from.length; i++) {
    for (let j = 0; j <= to.length; j++) {
      let best: i32;
      if (i == 0 || j == 0) {
        best = i + j;
      } else {
        const same = from.charCodeAt(i - 1) == to.charCodeAt(j - 1);
        best = cells[(i - 1) * width + j - 1] + (same ? 0 : 1);
        best = min(best, min(cells[(i - 1) * width + j], cells[i * width + j - 1]) + 1);
        const swapped =
          i > 1 &&
          j > 1 &&
          from.charCodeAt(i - 1) == to.charCodeAt(j - 2) &&
          from.charCodeAt(i - 2) == to.charCodeAt(j - 1);
        if (swapped) best = min(best, cells[(i - 2) * width + j - 2] + 1);
      }
      cells[i * width + j] = best;
    }
  }
  return cells[from.length * width + to.length];
}

/** Longer words are no slips of the finger, and their table would be large. */
const LONGEST_COMPARED = 64;

/** The candidate nearest to a word; an empty string if none is near. */
export function nearest(word: string, candidates: string[]): string {
  if (word.length > LONGEST_COMPARED) return "";
  const lower = word.toLowerCase();
  let found = "";
  let least = max(2, word.length / 3) + 1;
  for (let i = 0; i < candidates.length; i++) {
    const steps = distance(lower, candidates[i]);
    if (steps < least) {
      least = steps;
      found = candidates[i];
    }
  }
  return found;
}
