"""The options of a job: what was asked, with the defaults for the rest, or with what the job before had."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from api.errors import sentence, unprocessable
from api.schemas import JobOptions

# of a stored webhook: not the caller's
OURS = "base_url"


def parse_options(text: str | None, max_deadline_seconds: int) -> dict[str, Any]:
    """The options with their defaults, as plain JSON values."""
    return _plain(_checked(_read(text), max_deadline_seconds))


def parse_changes(text: str | None, max_deadline_seconds: int) -> dict[str, Any]:
    """The options that are named, as plain JSON values."""
    options = _checked(_read(text), max_deadline_seconds)
    return {name: value for name, value in _plain(options).items() if name in options.model_fields_set}


def changed(before: Mapping[str, Any], changes: dict[str, Any], max_deadline_seconds: int) -> dict[str, Any]:
    """The options that a job had, with those changed that were named."""
    kept = {name: value for name, value in before.items() if name in JobOptions.model_fields}
    if kept.get("webhook"):
        kept["webhook"] = {name: value for name, value in kept["webhook"].items() if name != OURS}
    return _plain(_checked(kept | changes, max_deadline_seconds))


def _read(text: str | None) -> Any:
    try:
        return json.loads(text) if text and text.strip() else {}
    except ValueError as error:
        raise unprocessable("options_not_json", f"`options` is not JSON: {error}.") from error


def _checked(asked: Any, max_deadline_seconds: int) -> JobOptions:
    try:
        options = JobOptions.model_validate(asked)
    except ValidationError as error:
        found = sentence(list(error.errors(include_url=False)))
        raise unprocessable("options_invalid", f"`options` cannot be used: {found}.") from error
    if options.deadline_seconds and options.deadline_seconds > max_deadline_seconds:
        detail = f"`options` cannot be used: deadline_seconds: at most {max_deadline_seconds:,}."
        raise unprocessable("options_invalid", detail)
    return options


def _plain(options: JobOptions) -> dict[str, Any]:
    values = options.model_dump(mode="json")
    values["outputs"] = sorted(set(values["outputs"]))
    return values
