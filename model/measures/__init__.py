"""The DAVIS measures: region similarity J, contour accuracy F, and their statistics over a sequence."""

from model.measures.boundary import boundary_f
from model.measures.jaccard import jaccard
from model.measures.statistics import Statistics, statistics

__all__ = ["Statistics", "boundary_f", "jaccard", "statistics"]
