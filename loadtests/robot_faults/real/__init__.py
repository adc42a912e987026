"""The same faults in real time: the real server, the site's agent, consoles of their own."""
