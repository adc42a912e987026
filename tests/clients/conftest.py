"""The film and what participants publish of it."""

from tests.films import films, show

__all__ = ["films", "show"]
