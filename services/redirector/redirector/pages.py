"""The HTML pages: words by the visitor's language, a strict policy, everything escaped."""

import base64
import hashlib
import tomllib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from codeqr_common.short_links import RedirectLink
from redirector.languages import preferred

PACKAGE = Path(__file__).parent
FALLBACK = "en"


class Pages:
    """Renders the pages. Read once, at start."""

    def __init__(self) -> None:
        folder = PACKAGE / "templates"
        style = (folder / "style.css").read_text()
        self._texts: dict[str, dict[str, dict[str, str]]] = tomllib.loads((folder / "texts.toml").read_text())
        environment = Environment(
            loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, auto_reload=False
        )
        # The file is our own; escaping would change what its hash is of.
        environment.globals["style"] = Markup(style)  # noqa: S704
        self._inspect, self._page = environment.get_template("inspect.html"), environment.get_template("page.html")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.headers = {
            "content-security-policy": (
                f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'none'"
            ),
            "x-content-type-options": "nosniff",
            "cache-control": "private, no-store",
            "vary": "Accept-Language",
        }
        """Of every page."""

    def render(self, name: str, accept_language: str, link: RedirectLink | None = None) -> tuple[str, str]:
        """`(html, language)` of a page."""
        language = next((tag for tag in preferred(accept_language) if tag in self._texts), FALLBACK)
        template = self._inspect if name == "inspect" else self._page
        return template.render(lang=language, text=self._texts[language][name], link=link), language
