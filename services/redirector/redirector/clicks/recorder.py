"""Makes the record of a click from its request and puts it into the spool."""

from collections.abc import Sequence

from codeqr_common.http.client_address import Network, client_address
from codeqr_common.ids import new_click_id
from codeqr_common.short_links import RedirectLink, fold_key
from codeqr_common.times import now_ms
from redirector.clicks import record
from redirector.clicks.record import ClickRecord
from redirector.clicks.spool import Spool
from redirector.requests import VisitorRequest
from redirector.target import is_scan


class Recorder:
    """Records clicks. When `record` returns, the click is in the spool (or its loss counted): it may be answered."""

    def __init__(self, spool: Spool, trusted_proxies: Sequence[Network], *, trust_edge_headers: bool) -> None:
        self._spool = spool
        self._trusted = trusted_proxies
        self._trust_edge = trust_edge_headers

    def record(self, request: VisitorRequest, link: RedirectLink, location: str) -> None:
        """Spool the click that sends this request to `location`."""
        self._spool.append([record.encode(self._record(request, link, location))])

    def _record(self, request: VisitorRequest, link: RedirectLink, location: str) -> ClickRecord:
        return ClickRecord(
            id=new_click_id(),
            time=now_ms(),
            project_id=link.project_id,
            link_id=link.id,
            domain=link.domain,
            key=link.key,
            key_folded=fold_key(link.key),
            target=location,
            url=link.url,
            qr=is_scan(request.query.decode("latin-1")),
            head=request.method == "HEAD",
            address=client_address(request.peer, request.headers(b"x-forwarded-for"), self._trusted),
            user_agent=request.header(b"user-agent")[: record.MAX_USER_AGENT],
            referrer=request.header(b"referer")[: record.MAX_REFERRER],
            language=request.header(b"accept-language")[: record.MAX_LANGUAGE],
            purpose=_purpose(request),
            edge_place=self._edge_place(request),
            request_id=request.id,
            trace=request.trace(),
        )

    def _edge_place(self, request: VisitorRequest) -> tuple[str, str, str] | None:
        if not self._trust_edge or not (country := request.header(b"cf-ipcountry")):
            return None
        return country, request.header(b"cf-region-code"), request.header(b"cf-ipcity")


def _purpose(request: VisitorRequest) -> str:
    told = (request.header(name) for name in (b"sec-purpose", b"purpose", b"x-moz"))
    return " ".join(value[: record.MAX_PURPOSE] for value in told if value)
