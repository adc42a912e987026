"""A bad network on this machine: a seeded UDP emulator (docs/impairment.md)."""
