"""The DAVIS measures: region similarity J, contour accuracy F, temporal instability T, and their statistics."""

from model.measures.boundary import boundary_f
from model.measures.instability import instability
from model.measures.jaccard import jaccard
from model.measures.statistics import Statistics, statistics

__all__ = ["Statistics", "boundary_f", "instability", "jaccard", "statistics"]
