"""Masks as people draw or export them, made into labels."""

from worker.masks.colours import MAX_OBJECTS
from worker.masks.labels import read_masks

__all__ = ["MAX_OBJECTS", "read_masks"]
