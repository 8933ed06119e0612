"""Clips in and out. The only package that imports PyAV."""
