"""The box tool: the mask of the object in a box, corrected by strokes. Runs in confined children only."""
