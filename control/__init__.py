"""Remote manipulation: what may move, how far, for how long, and when it must stand still.

Pure logic. Time comes as an argument, in microseconds of the caller's own monotonic clock, so that
every rule is tested without a clock or a network.
"""
