"""Measurements of speed, memory and soundness on random requests; see :mod:`benchmarks.run`."""
