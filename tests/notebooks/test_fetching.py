"""Base models that the user names: from a server of the test's own, whole or gone on with."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.notebook.bases import find_base
from wrapper.notebook.fetching import fetch, fetched, is_hub_id, store_of
from wrapper.notebook.stop import Stop

DATA = bytes(range(256)) * 40


class Server(BaseHTTPRequestHandler):
    asked: list[dict[str, str]] = []  # noqa: RUF012 - what all requests said

    def do_GET(self) -> None:
        self.asked.append(dict(self.headers))
        if self.path.startswith("/secret") and "Authorization" not in self.headers:
            self.send_error(401, "Unauthorized")
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(DATA) - start))
        if self.path.startswith("/download"):
            self.send_header("Content-Disposition", 'attachment; filename="named here.safetensors"')
        self.end_headers()
        self.wfile.write(DATA[start : start + 4000] if self.path.startswith("/short") else DATA[start:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Server.asked.clear()
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_file_is_fetched_once(address: str, tmp_path: Path):
    path = fetch(f"{address}/a%20base.safetensors", tmp_path)
    assert (path.name, path.read_bytes()) == ("a base.safetensors", DATA)
    assert fetch(f"{address}/a%20base.safetensors", tmp_path) == path
    assert len(Server.asked) == 1


def test_a_server_s_own_name_counts(address: str, tmp_path: Path):
    assert fetch(f"{address}/download/7?type=Model", tmp_path).name == "named here.safetensors"


def test_what_broke_off_is_gone_on_with(address: str, tmp_path: Path):
    base = f"{address}/short/base.safetensors"
    for _ in range(2):
        with pytest.raises(UserError, match="could not be fetched"):
            fetch(base, tmp_path)
        assert fetched(base, tmp_path) is None
    assert fetch(base, tmp_path).read_bytes() == DATA
    assert [one.get("Range") for one in Server.asked] == [None, "bytes=4000-", "bytes=8000-"]


def test_a_key_is_sent_and_not_kept(address: str, tmp_path: Path):
    base = f"{address}/secret/base.safetensors"
    with pytest.raises(UserError, match="Unauthorized"):
        fetch(base, tmp_path)
    assert fetch(base, tmp_path, token="k3y").read_bytes() == DATA
    assert Server.asked[-1]["Authorization"] == "Bearer k3y"
    assert not any(b"k3y" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_only_safetensors_are_fetched(address: str, tmp_path: Path):
    with pytest.raises(UserError, match=r"'base\.ckpt' is no \.safetensors file"):
        fetch(f"{address}/base.ckpt", tmp_path)


def test_a_file_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def download(repo: str, file: str, local_dir: Path, token: str | None) -> str:
        path = local_dir / file
        path.parent.mkdir(parents=True)
        path.write_bytes(f"{repo} {token}".encode())
        return str(path)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    path = fetch("owner/name/sub/base.safetensors", tmp_path)
    assert path == store_of("owner/name/sub/base.safetensors", tmp_path) / "base.safetensors"
    assert path.read_bytes() == b"owner/name None"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("owner/name", True),
        ("owner/name/x.safetensors", True),
        ("x.safetensors", False),
        ("a/b/c.ckpt", False),
    ],
)
def test_hub_ids(text: str, is_one: bool):
    assert is_hub_id(text) == is_one


def test_a_path_is_found_where_a_user_means_it(tmp_path: Path):
    root, base = tmp_path / "Loras", tmp_path / "models" / "моя base.safetensors"
    base.parent.mkdir()
    base.write_bytes(b"")
    root.mkdir()
    for said in (str(base), "../models/моя base.safetensors", "models/моя base.safetensors"):
        assert Path(find_base(said, root, tmp_path)).resolve() == base
    assert find_base("demo", root, tmp_path) == "demo"
    with pytest.raises(Stop, match="there is no"):
        find_base("base.ckpt", root, tmp_path)
