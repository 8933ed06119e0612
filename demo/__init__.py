"""The demonstration: a clip of its own with a known truth, and one run of the whole service."""
