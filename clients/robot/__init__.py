"""The robot's site: the arm, the ultrasound machine, and the agent that joins a room with them."""
