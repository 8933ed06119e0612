"""The box tool's network: what in a box is the object. Trained here, run by worker/suggestion without torch."""
