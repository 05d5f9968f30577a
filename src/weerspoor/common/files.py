"""Files are written whole or not at all; content is named by its hash."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from weerspoor.common.errors import InputError


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write ``content`` to ``path`` through a temporary file beside it, so that a reader never sees a part.

    Content that comes in parts is written part by part.

    Raises
    ------
    InputError
        If the path is a folder, or its folder cannot be made or written.
    """
    if path.is_dir():
        raise InputError("is a folder, a file was expected", where=str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines((content,) if isinstance(content, bytes) else content)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error


def content_hash(*parts: bytes) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the parts, each preceded by its length."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:16]
