"""A console without a screen, for a haptic device with a loop of its own at 1 kHz."""
