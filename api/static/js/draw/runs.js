// Rectangles of labels, kept small: masks are made of long runs. Each number is a label and a length.

const MOST = 0xffffff;

/** The labels in a rectangle as runs, row after row. @returns {Uint32Array} */
export function toRuns(data, stride, area) {
  const runs = [];
  let label = data[area.y0 * stride + area.x0];
  let length = 0;
  for (let y = area.y0; y < area.y1; y++) {
    const end = y * stride + area.x1;
    for (let index = y * stride + area.x0; index < end; index++) {
      const here = data[index];
      if (here === label && length < MOST) {
        length++;
      } else {
        runs.push(((label << 24) | length) >>> 0);
        label = here;
        length = 1;
      }
    }
  }
  runs.push(((label << 24) | length) >>> 0);
  return Uint32Array.from(runs);
}

/** Write runs back into their rectangle; `fillRun(y, from, to, label)` is called for each piece of a row. */
export function fromRuns(runs, area, fillRun) {
  let x = area.x0;
  let y = area.y0;
  for (const run of runs) {
    const label = run >>> 24;
    let left = run & MOST;
    while (left > 0) {
      const length = Math.min(left, area.x1 - x);
      fillRun(y, x, x + length, label);
      left -= length;
      x += length;
      if (x === area.x1) {
        x = area.x0;
        y++;
      }
    }
  }
}

/** A whole mask as runs. */
export function packed(data, width, height) {
  return toRuns(data, width, { x0: 0, y0: 0, x1: width, y1: height });
}

/** A whole mask of runs. @returns {Uint8Array} */
export function unpacked(runs, width, height) {
  const data = new Uint8Array(width * height);
  let at = 0;
  for (const run of runs) {
    const length = run & MOST;
    data.fill(run >>> 24, at, at + length);
    at += length;
  }
  return data;
}
