"""Everything that talks to the server from outside, over its public protocol only."""
