"""Benchmarks against peers, soaks, the impairment emulator; all are listed in `bench`."""
