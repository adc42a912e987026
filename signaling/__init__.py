"""Rooms, participants, grants, the WebSocket protocol, WHIP and WHEP: who hears whom."""
