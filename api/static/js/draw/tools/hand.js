// Moves the picture: the pointers do it themselves while this tool is chosen; from the keyboard its cursor looks around.

export class Hand {
  constructor() {
    this.name = "hand";
  }

  begin() {}
  move() {}
  end() {}
  cancel() {}
  leave() {}
  press() {}
  cursorMoved() {}

  key() {
    return false;
  }

  draw() {}

  bounds() {
    return null;
  }
}
