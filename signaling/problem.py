"""HTTP errors as RFC 9457 problem details, for everything that the server says over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)


class Problem(Exception):
    """An error to answer a request with. `detail` says what happened and what to do."""

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        title: str = "",
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title or HTTPStatus(status).phrase
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})  # extension members: RFC 9457 3.2


def problem_response(problem: Problem) -> web.Response:
    """The problem as application/problem+json."""
    body: dict[str, str | int] = {
        **problem.more,
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
    }
    if problem.detail:
        body["detail"] = problem.detail
    return web.Response(
        status=problem.status,
        body=msgspec.json.encode(body),
        content_type="application/problem+json",
        headers=problem.headers,
    )


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn raised problems, aiohttp's own errors and bugs into problem details."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem_response(problem)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        kept = {k: v for k, v in error.headers.items() if k.lower() in ("allow", "retry-after")}
        return problem_response(Problem(error.status, title=error.reason, headers=kept))
    except Exception:
        resource = request.match_info.route.resource
        log.exception("unexpected error in %s", resource.canonical if resource else "a request")
        return problem_response(Problem(500, "the server's mistake; it is in its log"))
