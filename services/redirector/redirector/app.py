"""The application of the public listener: the reference path, which knows the whole decision table."""

from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Receive, Scope, Send

from codeqr_common.http.middleware import REQUEST_ID
from codeqr_common.logs import get_logger
from codeqr_common.times import now_ms
from redirector import metrics
from redirector.clicks.recorder import Recorder
from redirector.decision import Answer, Facts, File, Page, Redirect, decide, needs_link
from redirector.domains.hosts import candidates
from redirector.pages import PACKAGE, Pages
from redirector.requests import VisitorRequest, text
from redirector.resolver import CannotKnow, Resolver
from redirector.short_path import parse_path

log = get_logger(__name__)
NOT_INDEXED = {"x-robots-tag": "noindex, nofollow"}
REDIRECTED = {"cache-control": "private, no-store"}
RETRY_AFTER_S = 1
FILES = {"robots.txt": ("robots.txt", "text/plain"), "favicon.ico": ("favicon.svg", "image/svg+xml")}


class RedirectApp:
    """An ASGI application. Every path and method comes here: the decision table is the router."""

    def __init__(self, resolver: Resolver, recorder: Recorder, pages: Pages) -> None:
        self._resolver = resolver
        self._recorder = recorder
        self._pages = pages
        self._files = {name: _file(PACKAGE / "static" / file, kind) for name, (file, kind) in FILES.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            request = VisitorRequest(scope)
            response = await self._safely(request)
            await response(scope, receive, _with_id(send, request.id))
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _safely(self, request: VisitorRequest) -> Response:
        """The answer; the page that asks to come back after whatever nobody foresaw."""
        try:
            return await self._respond(request)
        except Exception:
            log.exception("request failed", request_id=request.id, path=text(request.raw_path))
            return self._unavailable("failed", "")  # no header is read again: one may be the cause

    async def _respond(self, request: VisitorRequest) -> Response:
        """The answer, made so that the click of a visit is in the spool before anything of it goes out."""
        facts = Facts(request.method, parse_path(request.raw_path), request.query, now_ms())
        try:
            found = await self._resolver.resolve(
                candidates(request.header(b"host")), facts.path.key if needs_link(facts) else None
            )
        except CannotKnow:
            return self._unavailable("unavailable", request.header(b"accept-language"))
        return self._response(request, decide(facts, found.domain, found.link))

    def _response(self, request: VisitorRequest, answer: Answer) -> Response:
        if isinstance(answer, Redirect):
            return self._redirect(request, answer)
        if isinstance(answer, File):
            metrics.ANSWERS.labels(answer.name, 200).inc()
            return self._files[answer.name]
        return self._page(request, answer)

    def _redirect(self, request: VisitorRequest, answer: Redirect) -> Response:
        if answer.visited is not None:
            self._recorder.record(request, answer.visited, answer.location)
        metrics.ANSWERS.labels("visit" if answer.visited else "redirect", 302).inc()
        headers = REDIRECTED | ({} if answer.indexed else NOT_INDEXED)
        response = Response(status_code=302, headers=headers)
        # Set as it is: Starlette's RedirectResponse would quote it again, and the target must stay byte for byte.
        response.headers["location"] = answer.location
        return response

    def _page(self, request: VisitorRequest, page: Page) -> Response:
        metrics.ANSWERS.labels(page.name, page.status).inc()
        html, language = self._pages.render(page.name, request.header(b"accept-language"), page.link)
        headers = self._pages.headers | NOT_INDEXED | {"content-language": language}
        if page.allow:
            headers["allow"] = page.allow
        return HTMLResponse(html, page.status, headers)

    def _unavailable(self, kind: str, accept_language: str) -> Response:
        metrics.ANSWERS.labels(kind, 503).inc()
        html, language = self._pages.render("unavailable", accept_language)
        headers = self._pages.headers | {"content-language": language, "retry-after": str(RETRY_AFTER_S)}
        return HTMLResponse(html, 503, headers | NOT_INDEXED)


def _with_id(send: Send, request_id: str) -> Send:
    """`send` for an answer that carries the request's id."""
    header = (REQUEST_ID, request_id.encode())

    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], header]
        await send(message)

    return send_with_id


def _file(path: Path, kind: str) -> Response:
    return Response(path.read_bytes(), media_type=kind, headers={"cache-control": "public, max-age=86400"})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
