"""The page as it is served: its files, what it may load, and who sees it."""

import gzip
import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.page import STATIC
from api.static_files import OTHERS, TEXTS
from tests.api.service import Service, problem
from tests.e2e.stack import ROOT

VENDORED = STATIC / "vendor"

# swagger-ui-dist 5.35.0, as npm has it
SWAGGER_UI = {
    "swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}


@pytest.fixture
def database_kind() -> str:
    """No database is asked."""
    return "sqlite"


def own_files() -> list[Path]:
    """What we have written of the page."""
    return [path for path in STATIC.rglob("*") if path.is_file() and VENDORED not in path.parents]


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_is_html_that_loads_nothing_of_another_host(service: Service, path: str) -> None:
    response = service.client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert not {"script-src", "style-src", "connect-src"} & set(policy), "default-src is stricter"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"
    for wanted in re.findall(r'(?:href|src)="([^"#]+)"', response.text):
        assert wanted.startswith("/"), wanted
        assert service.client.get(wanted).status_code == 200, wanted


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_has_no_code_or_style_in_its_html(service: Service, path: str) -> None:
    html = service.client.get(path).text
    assert re.findall(r"<style|<script(?![^>]* src=)|\bstyle=|\son[a-z]+=|javascript:", html) == []


def test_what_we_wrote_names_no_other_host() -> None:
    namespaces = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    named = {
        (path.name, found)
        for path in own_files()
        if path.suffix in TEXTS
        for found in re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-zA-Z0-9./-]*[a-zA-Z0-9/]", path.read_text())
    }
    # what an input shows as an example of an address leads nowhere
    assert {(name, url) for name, url in named if url not in namespaces and "example" not in url} == set()


def test_swagger_ui_is_the_pinned_one_with_its_licence() -> None:
    folder = VENDORED / "swagger-ui"
    for name, digest in SWAGGER_UI.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert (folder / "NOTICE").exists()
    assert not re.search(r"@import|url\(['\"]?(https?:)?//", (folder / "swagger-ui.css").read_text())


def test_what_is_vendored_comes_with_a_licence() -> None:
    for folder in VENDORED.iterdir():
        assert list(folder.glob("LICENSE*")), folder


@pytest.mark.parametrize("name", ["css/base.css", "js/app.js", "icon.svg", "docs.html"])
def test_a_file_is_sent_with_its_type(service: Service, name: str) -> None:
    response = service.client.get(f"/static/{name}")
    assert response.status_code == 200
    assert response.headers["content-type"].split(";")[0] == TEXTS[Path(name).suffix]
    assert response.content == (STATIC / name).read_bytes()
    head = service.client.head(f"/static/{name}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == response.headers["content-length"]


def test_every_file_of_the_page_has_a_type() -> None:
    unknown = {path.suffix for path in own_files()} - set(TEXTS | OTHERS)
    assert unknown == set()


def test_texts_are_compressed_for_who_takes_that(service: Service) -> None:
    plain = service.client.get("/static/css/base.css", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with service.client.stream("GET", "/static/css/base.css", headers={"Accept-Encoding": "gzip"}) as packed:
        raw = b"".join(packed.iter_raw())
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert len(raw) < len(plain.content) / 2
    assert gzip.decompress(raw) == plain.content


def test_an_unchanged_file_is_not_sent_again(service: Service) -> None:
    for path in ("/", "/static/css/base.css"):
        first = service.client.get(path)
        assert first.headers["cache-control"] == "no-cache"
        tag = first.headers["etag"]
        for known in (tag, f'"x", {tag}', tag.removeprefix("W/"), "*"):
            again = service.client.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
            assert "content-security-policy" in again.headers
        assert service.client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "",
        "css",
        "css/",
        "nothing.css",
        "../page.py",
        "..%2fpage.py",
        "%2e%2e/page.py",
        "css/..%2f..%2fpage.py",
        "css/%2e%2e/%2e%2e/page.py",
        "..%5cpage.py",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        ".hidden.txt",
        "css/%2e/base.css",
        "css/base.css%00.js",
        "vendor/swagger-ui/LICENSE",
        "a" * 300 + ".js",
        "a/" * 2100 + "x.js",
    ],
)
def test_nothing_else_is_served(service: Service, name: str) -> None:
    # as it stands: httpx would resolve the dots itself
    request = service.client.build_request("GET", "http://127.0.0.1:8000/static/x")
    request.url = request.url.copy_with(raw_path=f"/static/{name}".encode())
    assert problem(service.client.send(request)) == (404, "path_not_found")


def test_the_page_is_public_where_keys_are_required(make_service: Callable[..., Service]) -> None:
    client = make_service(host="0.0.0.0").client
    headers = {"Host": "roto.example", "X-Forwarded-For": "192.0.2.7"}
    for path in ("/", "/docs", "/static/js/app.js", "/openapi.json"):
        assert client.get(path, headers=headers).status_code == 200, path
    assert problem(client.get("/v1/jobs")) == (401, "api_key_missing")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example"}, "host_not_allowed"),
        ({"X-Forwarded-For": "192.0.2.7"}, "exposed_without_keys"),
        ({"Host": "localhost:8000"}, None),
    ],
)
def test_an_open_service_shows_its_page_to_whom_it_answers(
    service: Service, headers: Mapping[str, Any], code: str | None
) -> None:
    for path in ("/", "/docs", "/static/js/app.js"):
        response = service.client.get(path, headers=headers)
        if code is None:
            assert response.status_code == 200
        else:
            assert problem(response) == (403, code)


def test_an_open_service_shows_its_page_to_no_other_machine(service: Service) -> None:
    client = TestClient(create_app(service.services), base_url="http://192.168.1.5:8000")
    assert problem(client.get("/")) == (403, "exposed_without_keys")


def test_no_answer_is_taken_for_what_it_does_not_say_it_is(service: Service) -> None:
    for path in ("/", "/v1/jobs", "/livez", "/openapi.json", "/nothing"):
        assert service.client.get(path).headers["x-content-type-options"] == "nosniff", path


def test_the_page_answers_reading_alone(service: Service) -> None:
    assert problem(service.client.post("/")) == (405, "method_not_allowed")
    assert problem(service.client.put("/static/css/base.css")) == (405, "method_not_allowed")


def test_the_image_of_the_api_has_the_page() -> None:
    assert re.search(r"(?m)^COPY api \./api$", (ROOT / "Dockerfile.gpu").read_text())
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert "!api" in ignored
    assert not any(rule.startswith(("**/static", "api/", "**/*.js", "**/vendor")) for rule in ignored)
    assert not any("build" in path.relative_to(ROOT).parts for path in STATIC.rglob("*"))
