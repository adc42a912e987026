"""What the load tests' tests share."""

from tests.films import films, show

__all__ = ["films", "show"]
