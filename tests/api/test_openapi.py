"""The contract as documented, and the service held to it by generated requests."""

import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS

from api.main import create_app
from storage import api_keys
from storage.database import Database
from tests.api.service import Service
from tests.api.test_keys import bearer
from tests.e2e.stack import ROOT

CALLS = {
    ("/v1/jobs", "post"),
    ("/v1/jobs", "get"),
    ("/v1/jobs/{job_id}", "get"),
    ("/v1/jobs/{job_id}", "delete"),
    ("/v1/jobs/{job_id}/cancel", "post"),
    ("/v1/jobs/{job_id}/refine", "post"),
    ("/v1/jobs/{job_id}/events", "get"),
    ("/v1/jobs/{job_id}/results/{name}", "get"),
    ("/v1/jobs/{job_id}/frames/{number}", "get"),
    ("/v1/jobs/{job_id}/masks/{number}", "get"),
    ("/v1/uploads/{upload_id}/frames/{number}", "get"),
    ("/v1/uploads/{upload_id}/clip", "get"),
    ("/v1/jobs/{job_id}/previews", "get"),
    ("/v1/jobs/{job_id}/previews/{number}", "get"),
    ("/v1/jobs/{job_id}/deliveries", "get"),
    ("/v1/jobs/{job_id}/deliveries/{number}/redeliver", "post"),
    ("/v1/webhook-secret", "get"),
    ("/v1/webhook-secret/rotate", "post"),
    ("/v1/usage", "get"),
    ("/v1/presets", "get"),
    ("/v1/session", "post"),
    ("/v1/session", "get"),
    ("/v1/session", "delete"),
    ("/v1/masks/suggest", "post"),
    ("/v1/uploads", "post"),
    ("/v1/uploads/{upload_id}", "get"),
    ("/v1/uploads/{upload_id}", "put"),
    ("/v1/uploads/{upload_id}", "delete"),
    ("/v1/uploads/{upload_id}/parts", "get"),
    ("/v1/uploads/{upload_id}/parts/{number}", "put"),
    ("/v1/uploads/{upload_id}/complete", "post"),
    ("/livez", "get"),
    ("/readyz", "get"),
    ("/metrics", "get"),
}


@pytest.fixture
def database_kind() -> str:
    """Generated requests are many; what differs between databases has tests of its own."""
    return "sqlite"


@pytest.fixture
def document(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = service.client.get("/openapi.json").json()
    return found


def test_every_call_is_documented_once(document: dict[str, Any]) -> None:
    operations = {
        (path, method): call for path, calls in document["paths"].items() for method, call in calls.items()
    }
    assert set(operations) == CALLS
    ids = [call["operationId"] for call in operations.values()]
    assert len(set(ids)) == len(ids)


def test_it_is_openapi_3_1_with_the_webhooks(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert set(document["webhooks"]) == {"job.running", "job.succeeded", "job.failed", "job.canceled"}


def test_the_form_names_its_fields_and_the_options_have_an_example(document: dict[str, Any]) -> None:
    body = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert set(body["schema"]["properties"]) == {"video", "mask", "options"}
    assert body["schema"]["properties"]["options"]["examples"]


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    for name in ("JobOut", "Problem"):
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        for example in document["components"]["schemas"][name]["examples"]:
            jsonschema_rs.validate(schema, example)


KEPT = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.mark.parametrize("key", ["none needed", "missing", "sent"])
def test_generated_requests_meet_no_server_error_and_nothing_undocumented(
    make_service: Callable[..., Service], database: Database, key: str
) -> None:
    """Some hundred requests that fit the schemas, and some that do not."""
    # the generator's requests come in at no address of this machine
    open_ = {"exposed_on": "127.0.0.1"}
    service = make_service(**(open_ if key == "none needed" else {"host": "0.0.0.0"}))
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(service.services))
    headers = {"Host": "127.0.0.1"}
    if key == "sent":
        headers |= bearer(api_keys.create(database, "studio")[1])
    checks: list[Any] = [CHECKS.get_one(name) for name in KEPT]
    answers: set[int] = set()
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]  # an invalid schema raises here, as it should

        def call(case: Any) -> None:
            answers.add(case.call_and_validate(checks=checks, headers=headers).status_code)

        generated = given(case=operation.as_strategy())(call)
        settings(
            max_examples=2 if key == "missing" else 6,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )(generated)()
    # it got through to what it asked for
    assert ({401} if key == "missing" else {200, 404, 422}) <= answers


def test_every_call_says_what_any_may_answer(document: dict[str, Any]) -> None:
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            if path.startswith("/v1/"):
                wanted = {"401", "403", "405", "422", "429", "503"} | (
                    set() if method == "get" else {"400", "408", "413"}
                )
                assert wanted <= set(call["responses"]), (method, path)
                # a session is how a key comes to be known
                assert path == "/v1/session" or call["security"], (method, path)


def test_the_documentation_names_every_code() -> None:
    """Each stable code in the sources stands on the page of errors."""
    page = (ROOT / "docs" / "api.md").read_text()
    pattern = re.compile(
        r'(?:bad_request|forbidden|too_many|not_found|conflict|too_large|unprocessable|InputError)\(\s*"([a-z_]+)"|ApiError\([^"]*"([a-z_]+)"'
    )
    codes = set()
    for package in ("api", "worker"):
        for path in (ROOT / package).rglob("*.py"):
            if "client" not in path.parts and path.name != "__main__.py":
                codes |= {first or second for first, second in pattern.findall(path.read_text())}
    assert len(codes) > 40
    assert sorted(code for code in codes if f"`{code}`" not in page) == []
