"""Every fault at random moments of a scan, in virtual time, on the code that runs at a robot."""
