"""What a frame's mask is called in masks.zip; the API finds it there by this name."""


def frame_name(frame: int, frames: int = 0) -> str:
    """`00000.png` for frame 0; more digits where a clip of that many frames needs them to sort."""
    digits = max(5, len(str(frames - 1)))
    return f"{frame:0{digits}d}.png"
