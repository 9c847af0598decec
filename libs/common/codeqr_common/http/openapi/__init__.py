"""The description of the public API: each service's part from its routes, and the parts made into one document.

An endpoint says what only it knows; everything else (errors, headers, security, names, texts) is supplied here.

    @router.post("", responses=answers(Link, "conflict"))
    async def create_link(...) -> Response: ...

    @router.get("", responses=answers(list[Link]), openapi_extra=query_parameters(LinkFilters))
    async def list_links(...) -> Response: ...

    @router.get("/{link_id}/picture", responses=answers_media("image/png", "image/svg+xml"))
    async def link_picture(...) -> Response: ...

`answers(kind, *codes)`: a 200 whose JSON is exactly `kind` (a msgspec Struct, a list of it, `int`, a union …), and the
codes of errors that cannot be seen from the route. Those that can are added by themselves: 401, 403, 429 of a guarded
route; 400 and 422 of one with a body, 422 of one with a query, 404 of one with an id in its path, 409 of one that takes
an `Idempotency-Key`; 500 and 503 of all.

Texts and examples are not in the code: they are in the service's `reference.toml` (see `texts.Texts`). The function's
name is the operation's: `create_link` is `createLink`.
"""

from codeqr_common.http.openapi.answers import Deleted, answers, answers_media
from codeqr_common.http.openapi.document import document, hidden_paths
from codeqr_common.http.openapi.merge import merged, written
from codeqr_common.http.openapi.operations import DocumentError
from codeqr_common.http.openapi.requests import json_body, query_parameters
from codeqr_common.http.openapi.texts import Texts

__all__ = (
    "Deleted",
    "DocumentError",
    "Texts",
    "answers",
    "answers_media",
    "document",
    "hidden_paths",
    "json_body",
    "merged",
    "query_parameters",
    "written",
)
