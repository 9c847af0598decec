"""Files that were drawn lately."""

from collections import OrderedDict


class FileCache:
    """Keeps up to `limit_bytes`; the longest unused go first. A file of more than a quarter of that is not kept."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._used = 0
        self._files: OrderedDict[str, bytes] = OrderedDict()

    def get(self, name: str) -> bytes | None:
        file = self._files.get(name)
        if file is not None:
            self._files.move_to_end(name)
        return file

    def put(self, name: str, file: bytes) -> None:
        if len(file) > self._limit // 4 or name in self._files:
            return
        self._files[name] = file
        self._used += len(file)
        while self._used > self._limit:
            _, oldest = self._files.popitem(last=False)
            self._used -= len(oldest)
