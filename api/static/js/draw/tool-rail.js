// The tools as buttons, with undo and redo.

import { h, icon } from "../dom.js";

export const TOOLS = [
  { name: "box", words: "Box", key: "R", does: "Box: fits itself to the object" },
  { name: "brush", words: "Brush", key: "B", does: "Brush: paint the object" },
  { name: "eraser", words: "Eraser", key: "E", does: "Eraser" },
  { name: "polygon", words: "Polygon", key: "P", does: "Polygon: click around the object" },
  { name: "fill", words: "Fill", key: "F", does: "Fill an enclosed area" },
  { name: "hand", words: "Move", key: "H", does: "Move the picture" },
];

export class ToolRail {
  /** @param {{onTool: (name: string) => void, onUndo: () => void, onRedo: () => void}} given */
  constructor({ onTool, onUndo, onRedo }) {
    this.tools = new Map(TOOLS.map((tool) => [tool.name, toolButton(tool, () => onTool(tool.name))]));
    this.undo = stepButton("undo", "Undo", "Ctrl+Z", onUndo);
    this.redo = stepButton("redo", "Redo", "Ctrl+Shift+Z", onRedo);
    this.element = h("div", { class: "draw-rail", role: "toolbar", "aria-label": "Drawing tools" },
      h("div", { class: "draw-tools" }, [...this.tools.values()]),
      h("div", { class: "draw-steps" }, this.undo, this.redo));
  }

  show({ tool, canUndo, canRedo }) {
    for (const [name, button] of this.tools) button.setAttribute("aria-pressed", String(name === tool));
    this.undo.setAttribute("aria-disabled", String(!canUndo));
    this.redo.setAttribute("aria-disabled", String(!canRedo));
  }
}

function toolButton({ name, words, key, does }, onClick) {
  return h("button", {
    type: "button", class: "draw-tool", title: `${does} (${key})`, "aria-keyshortcuts": key, dataset: { tool: name }, on: { click: onClick },
  }, icon(name), h("span", {}, words));
}

function stepButton(name, words, key, onClick) {
  return h("button", {
    type: "button", class: "draw-tool draw-step", title: `${words} (${key})`, "aria-disabled": "true", dataset: { step: name }, on: { click: onClick },
  }, icon(name), h("span", {}, words));
}
