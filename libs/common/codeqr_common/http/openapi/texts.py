"""The words of the reference: descriptions and examples, which are in TOML files beside the services."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from codeqr_common.ids import LENGTH

Words = Mapping[str, Any]
COMMON = "common.toml"


@dataclass(frozen=True)
class Texts:
    """What a `reference.toml` says.

    `tags`: first segment of a path → `{name, text}`: how operations are grouped, in the order of the file.
    `resources`: first segment → which kind of thing the id after it names (`x-resource` of path parameters).
    `operations`: operation id → `{summary, text, examples, answer, example}`. `examples` are bodies; `answer` says
    what a 200 is, and `example` shows it, if not the fields' examples do.
    `schemas`: name of a schema → `{text, also}`; `also` is what JSON Schema can say of several fields at once.
    `fields`: `name` or `Schema.name` or `operationId.name` → `{text, example, format, pattern, id, accepts, …}`.
    `format`, `pattern` and `id` (the prefix of an id) are of answers. `accepts` is of what is sent: what JSON Schema
    can say and the model does not, such as a `pattern` or a `format` of texts; `null = false` when null is refused.
    `schema` takes the place of what the code gives, and `sent` does in bodies only; `required = true`: a parameter
    that the code calls optional is not.
    """

    tags: Mapping[str, Words] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
    operations: Mapping[str, Words] = field(default_factory=dict)
    schemas: Mapping[str, Words] = field(default_factory=dict)
    fields: Mapping[str, Words] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Texts":
        """The texts of a file, over those that all services share."""
        own, common = tomllib.loads(path.read_text("utf-8")), _common()
        unknown = own.keys() - cls.__dataclass_fields__.keys()
        if unknown:
            raise ValueError(f"{path.name}: no such tables: {', '.join(sorted(unknown))}")
        return cls(**{name: common.get(name, {}) | own.get(name, {}) for name in cls.__dataclass_fields__})

    def groups(self) -> list[Words]:
        """The tags, each once."""
        return list({words["name"]: words for words in self.tags.values()}.values())

    def of_field(self, owner: str, name: str) -> Words:
        """What is said of a field of the schema or the operation `owner`."""
        return {**self.fields.get(name, {}), **self.fields.get(f"{owner}.{name}", {})}


def constraints(words: Words) -> dict[str, str]:
    """The part of a field's words that restricts its texts."""
    found = {name: words[name] for name in ("format", "pattern") if name in words}
    if prefix := words.get("id"):
        found["pattern"] = f"^{re.escape(prefix)}_[0-9A-Za-z]{{{LENGTH}}}$"
    return found


@cache
def _common() -> dict[str, Any]:
    return tomllib.loads((resources.files(__package__) / COMMON).read_text("utf-8"))
