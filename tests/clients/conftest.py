"""The film and what participants publish of it."""

from tests.clients.site_process import site_folder
from tests.films import films, show

__all__ = ["films", "show", "site_folder"]
