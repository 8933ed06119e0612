"""Speed and memory, measured: each module prints a table that docs/benchmarks.md quotes."""
