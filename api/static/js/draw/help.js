// One line for each tool: what the pointer does, and what the keyboard does.

const isTouch = globalThis.matchMedia?.("(pointer: coarse)").matches ?? false;

const WITH_KEYS = {
  box: "Drag a box around the object: it fits itself. Keyboard: arrows move, Space sets a corner.",
  fitted: "Not quite right? Choose Keep or Leave out and draw over it. Or drag another box, or use the brush.",
  brush: "Drag over the object. [ and ] change the size. Keyboard: arrows move, Space puts the brush down and lifts it.",
  eraser: "Drag over what is too much. [ and ] change the size. Keyboard: arrows move, Space puts it down and lifts it.",
  polygon: "Click around the object; Enter or a double click closes. Keyboard: arrows move, Space sets a corner.",
  fill: "Click an enclosed area to fill it, or the object to fill its holes. Keyboard: arrows move, Space fills.",
  hand: "Drag to move the picture; the wheel zooms. With other tools: hold Space and drag.",
};

const WITH_FINGERS = {
  box: "Drag a box around the object: it fits itself. Two fingers zoom and move.",
  fitted: "Not quite right? Choose Keep or Leave out and draw over it.",
  brush: "Drag over the object. Two fingers zoom and move.",
  eraser: "Drag over what is too much. Two fingers zoom and move.",
  polygon: "Tap around the object, then close the shape. Two fingers zoom and move.",
  fill: "Tap an enclosed area to fill it, or the object to fill its holes.",
  hand: "Drag to move the picture, pinch to zoom.",
};

export const HELP = isTouch ? WITH_FINGERS : WITH_KEYS;
