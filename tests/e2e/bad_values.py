"""What nobody should send, by kind."""

NOT_JSON: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \n",
    "half": b'{"url": ',
    "half a text": b'{"url": "https://exam',
    "two values": b"{} {}",
    "a trailing comma": b'{"url": "https://example.com",}',
    "single quotes": b"{'url': 'https://example.com'}",
    "a comment": b'{"url": "https://example.com"} // really',
    "a form": b"url=https%3A%2F%2Fexample.com",
    "a control character": b'{"url": "https://example.com/\x01"}',
    "a NUL": b'{"url": "https://example.com"}\x00',
    "broken UTF-8": b'{"url": "https://example.com/\xc3\x28"}',
    "overlong UTF-8": b'{"url": "https://example.com/\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"url": "https://example.com/\xed\xa0\x80"}',
    "Latin-1": '{"url": "https://example.com/ü"}'.encode("latin-1"),
    "no number": b'{"url": "https://example.com", "x": NaN}',
    "no end": b'{"url": "https://example.com", "x": -Infinity}',
    "a leading zero": b'{"url": "https://example.com", "x": 01}',
    "arrays within arrays": b"[" * 100_000 + b"]" * 100_000,
    "arrays without end": b"[" * 100_000,
    "objects within objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "depth in a field that is ignored": b'{"url": "https://example.com", "x": '
    + b"[" * 100_000
    + b"]" * 100_000
    + b"}",
}
DEEP = ("arrays within arrays", "objects within objects", "depth in a field that is ignored")
"""JSON by its grammar, and more than anybody can want: either refusal is right."""

NO_JSON_TYPES = (
    "text/plain",
    "text/html",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/octet-stream",
    "text/plain; application/json",
    "",
    "json",
    "application/jsonx",
)

VALUES = (7, -1, 1.5, 10**30, True, "\N{SNOWMAN} of no kind", [], [[]], [7], [None], {}, {"a": {"b": []}})
"""Of these every field takes some and refuses others."""

UNSTORABLE = ("a\x00b", "\x00", "a\ud800b", "\udc00")

NUMBERS = ("1e999", "-1e999", f"1{'0' * 400}", f"1{'0' * 5000}", "NaN", "Infinity", "-1", "1.5", "1e-7")
"""Raw: what they are when they come is part of the question."""

TEXTS = (
    "",
    " ",
    "x" * 100_000,
    "ext_",
    "%00%ff",
    "../../../etc/passwd",
    "'; DROP TABLE links; --",
    "{{7*7}} ${7*7} <%= 7*7 %>",
    "<script>alert(1)</script>",
    "\u202eevil\u202c \u2066x\u2069",
    "\ufeff\u200b\u00ad",
    "a\r\nSet-Cookie: a=b",
    "\x01\x1f\x7f\x85",
    "🏳️‍🌈" * 50,
    "e" + "\u0301" * 500,
    "\ufdfa" * 200,
    "İIıi ß ﬁ Σς",
    "\\u0000",
    "null",
    "9" * 400,
)
"""May be taken or refused; nothing may break."""

SCRIPTS = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "   javascript:alert(1)",
    "\tjavascript:alert(1)",
    "\njavascript:alert(1)",
    "\x01javascript:alert(1)",
    "\x1fjavascript:alert(1)",
    "\xa0javascript:alert(1)",
    "\u3000javascript:alert(1)",
    "\ufeffjavascript:alert(1)",
    "\u200bjavascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "java\r\nscript:alert(1)",
    "javascript\t:alert(1)",
    "javascript&colon;alert(1)",
    "javascript&#58;alert(1)",
    "&#106;avascript:alert(1)",
    "java&Tab;script:alert(1)",
    "javascript%3Aalert(1)",
    "javascript：alert(1)",
    "ｊavascript:alert(1)",
    "javascript://example.com/%0aalert(1)",
    "javascript.:alert(1)",
    "http:javascript:alert(1)",
    "https://javascript:alert(1)",
    "//javascript:alert(1)",
    "\\\\javascript:alert(1)",
    "view-source:javascript:alert(1)",
    "feed:javascript:alert(1)",
    "jar:javascript:alert(1)!/",
    "vbscript:msgbox(1)",
    "VBSCRIPT:msgbox(1)",
    " vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "DATA:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    " data:text/html,x",
    "da\tta:text/html,x",
    "data:,x",
    "blob:https://example.com/x",
    "filesystem:https://example.com/x",
    "file:///etc/passwd",
    "about:blank",
    "chrome://settings",
    "ftp://example.com",
    "ws://example.com",
)
"""Targets that no field may take."""

PATHS = (
    "%00",
    "x%00y",
    "%FF%FE",
    "%ED%A0%80",
    "%C0%AE%C0%AE",
    "%2e%2e",
    "%2e%2e%2fadmin",
    "ext_",
    "ext_%00",
    "%20",
    "%0d%0aX-A:%20b",
    "%F0%9F%92%A9",
    "x" * 4000,
    "%25" * 300,
    "null",
    "undefined",
    "-1",
    "*",
    ";a=b",
    "%3Fa%3Db",
    "%23",
)
"""In place of an id, as they stand in the path."""

QUERY_VALUES = ("%00", "x%00", "%FF", "%ED%A0%80", "%", "%zz", "x" * 5000, "", "%0d%0a", "%F0%9F%92%A9", "[]", "-1")

SLUGS = (
    "",
    ".",
    "..",
    "-a.example",
    "a..example",
    ".example",
    "a b.example",
    "a/b.example",
    "http://a.example",
    "a.example/x",
    "a.example?x",
    "a.example#x",
    "user@a.example",
    "a.example:0x50",
    "a.example:99999",
    "a\x00.example",
    "a\t.example",
    "a\u202e.example",
    "*.example",
    "xn--.example",
    "xn--a\u0430.example",
    "a" * 64 + ".example",
    "a." * 130 + "example",
    "[::1",
    "1.2.3.4.5.6",
    "0x7f.1",
    "%61.example",
    "a,b.example",
    "a;b.example",
)
HOMOGRAPHS = (
    "ex\u0430mple",
    "\u0435x\u0430m\u0440l\u0435",
    "examp1e\u0301",
    "ｅｘａｍｐｌｅ",
    "exa\u00admple",
    "ехамрӏе",
)
"""First parts of names that look like another."""
