"""Benchmarks against peers, soaks, the impairment emulator; `relay` is the one to begin with."""
