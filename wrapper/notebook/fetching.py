"""A base model that the user named: a path, a web address or a hub's id → a path on this machine.

``python -m wrapper.notebook.fetching ADDRESS FOLDER`` fetches one, or goes on fetching it.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from dataset_tools.errors import UserError
from dataset_tools.progress import progress
from dataset_tools.system.left_by_systems import visible

CHUNK_BYTES = 1 << 20
SUFFIX = ".safetensors"
TOKENS = {"huggingface.co": "HF_TOKEN", "civitai.com": "CIVITAI_TOKEN"}
"""Secrets by host. They are sent to that host alone, and written nowhere."""
_NOTHING_LEFT = 416
"""What a server says that is asked for the rest of a file where there is no rest."""
_HUB_ID = re.compile(rf"(?P<repo>[\w.-]+/[\w.-]+)(?:/(?P<file>.+{re.escape(SUFFIX)}))?")
_NAMED = re.compile(r"filename\*?=(?:UTF-8'')?\"?(?P<name>[^\";]+)", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether ``text`` is a web address."""
    return urlsplit(text).scheme in ("http", "https")


def is_hub_id(text: str) -> bool:
    """``owner/name``, or a file in it: ``owner/name/file.safetensors``."""
    return _HUB_ID.fullmatch(text) is not None


def store_of(text: str, folder: Path) -> Path:
    """The folder below ``folder`` that is for ``text`` alone."""
    name = re.sub(r"[^\w.-]+", "-", text.rsplit("/", 1)[-1].partition("?")[0])[:60]
    return folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def fetched(text: str, folder: Path) -> Path | None:
    """What was fetched for ``text`` before: a file, or a diffusers folder."""
    store = store_of(text, folder)
    found = sorted(visible(store.glob(f"*{SUFFIX}")))
    return found[0] if found else store if (store / "whole").is_file() else None


def fetch(text: str, folder: Path, token: str = "") -> Path:
    """Fetch ``text`` into ``folder`` and return its path; what is there already is not fetched again.

    Raises `UserError` for what is no .safetensors file, and when the network says no.
    """
    if there := fetched(text, folder):
        return there
    store = store_of(text, folder)
    store.mkdir(parents=True, exist_ok=True)
    if is_address(text):
        return _from_web(text, store, token)
    return _from_hub(text, store, token)


def _from_web(address: str, store: Path, token: str) -> Path:
    part = store / "part"
    done = part.stat().st_size if part.is_file() else 0
    request = Request(address, headers={"Range": f"bytes={done}-"} if done else {})
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urlopen(request, timeout=60) as answer:
            path = store / _file_name(address, answer)
            _receive(answer, part, done if answer.status == 206 else 0)
    except (URLError, TimeoutError, ConnectionError) as error:
        if isinstance(error, HTTPError) and error.code == _NOTHING_LEFT:
            part.unlink()
        raise UserError(
            f"{address} could not be fetched ({getattr(error, 'reason', error)}).", _hint(address)
        ) from None
    part.replace(path)
    return path


def _receive(answer: Any, part: Path, done: int) -> None:
    """Write the rest of the file; raises `ConnectionError` when it ends early."""
    length = int(answer.headers.get("Content-Length") or 0)
    total = done + length
    with part.open("ab" if done else "wb") as stream, progress("base model, MB", total // 10**6) as bar:
        shown = 0
        while chunk := answer.read(CHUNK_BYTES):
            stream.write(chunk)
            bar.advance(stream.tell() // 10**6 - shown)
            shown = stream.tell() // 10**6
    if length and part.stat().st_size != total:
        raise ConnectionError(f"only {part.stat().st_size} of {total} bytes came")


def _file_name(address: str, answer: Any) -> str:
    found = _NAMED.search(answer.headers.get("Content-Disposition") or "")
    name = Path(unquote(found["name"] if found else urlsplit(address).path)).name
    if not name.lower().endswith(SUFFIX):
        raise UserError(f"{address}: '{name}' is no {SUFFIX} file.", "Give the address of the file itself.")
    return name


def _hint(address: str) -> str:
    host = urlsplit(address).hostname or ""
    token = next((name for known, name in TOKENS.items() if host.endswith(known)), "")
    return f"If it asks for a key, keep yours as the secret {token}." if token else "Try again."


def _from_hub(text: str, store: Path, token: str) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    found = _HUB_ID.fullmatch(text)
    if found is None:
        raise UserError(f"{text}: is no hub id.", "For example owner/name/file.safetensors.")
    try:
        if found["file"]:
            given = (found["repo"], found["file"])
            path = Path(huggingface_hub.hf_hub_download(*given, local_dir=store, token=token or None))
            return path.replace(store / path.name)
        wanted = ["model_index.json", "*/*.json", "*/*.txt", f"*/*{SUFFIX}"]
        huggingface_hub.snapshot_download(
            found["repo"],
            local_dir=store,
            allow_patterns=wanted,
            ignore_patterns=[f"*.fp16{SUFFIX}"],
            token=token or None,
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, ConnectionError) as error:
        first = str(error).strip().splitlines()[0]
        raise UserError(f"{text} could not be fetched ({first}).", _hint("https://huggingface.co")) from None
    (store / "whole").touch()
    return store


def main() -> int:
    """Fetch, and print where it lies last."""
    import os

    address, folder = sys.argv[1:]
    host = (urlsplit(address).hostname or "") if is_address(address) else "huggingface.co"
    name = next((name for known, name in TOKENS.items() if host.endswith(known)), "")
    try:
        print(fetch(address, Path(folder), os.environ.get(name, "") if name else ""))
    except UserError as error:
        print(f"{error.message}\n  → {error.hint}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
