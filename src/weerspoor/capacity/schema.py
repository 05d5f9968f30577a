"""Plans as files: JSON with a hash of its own, the published schema, and what is sensitive in a plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from weerspoor.capacity.plan import SCHEMA_VERSION, Plan
from weerspoor.common.errors import InputError
from weerspoor.common.files import content_hash

SCHEMA_ID = f"https://weerspoor.invalid/plan/v{SCHEMA_VERSION}"


def plan_json(plan: Plan) -> bytes:
    """Return the plan as JSON, in a fixed order, ended with a line break."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n"


def plan_hash(plan: Plan) -> str:
    """Return the hash of everything a plan says but its hash."""
    return content_hash(msgspec.json.encode(msgspec.structs.replace(plan, hash="")))


def sealed(plan: Plan) -> Plan:
    """Return the plan with its hash, its values just as a reader of its JSON gets them."""
    plan = msgspec.json.decode(msgspec.json.encode(plan), type=Plan)
    return msgspec.structs.replace(plan, hash=plan_hash(plan))


def load_plan(path: Path) -> Plan:
    """Read a plan from a file.

    Raises
    ------
    InputError
        If the file cannot be read, is no plan, is one of another version, or was altered by hand.
    """
    try:
        raw = path.read_bytes()
    except IsADirectoryError as error:
        raise InputError("is a folder, a plan was expected", where=str(path)) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such name"
        raise InputError(f"cannot be read: {reason}", where=str(path)) from error
    try:
        head = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"is not JSON: {error}", where=str(path)) from error
    if not isinstance(head, dict) or head.get("schema") != "weerspoor-plan":
        raise InputError("is no plan", where=str(path), hint="write one with weerspoor plan --json")
    if head.get("version") != SCHEMA_VERSION:
        raise InputError(f"is a plan of version {head.get('version')}, {SCHEMA_VERSION} was expected", where=str(path))
    try:
        plan = msgspec.json.decode(raw, type=Plan)
    except msgspec.ValidationError as error:
        raise InputError(f"is no plan: {error}", where=str(path)) from error
    if plan.hash != plan_hash(plan):
        raise InputError(
            "was altered after it was made: its hash does not fit", where=str(path), hint="make the plan again"
        )
    return plan


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a plan, as published in ``docs/plan.schema.json``."""
    schema = msgspec.json.schema(Plan)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Weerspoor plan",
        **schema,
    }


def schema_text() -> str:
    """Return the published schema as text."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def pointers(plan: msgspec.Struct, patterns: list[str]) -> list[str]:
    """Return the JSON pointers that exist in a result for patterns in which ``*`` stands for every element."""
    document = msgspec.to_builtins(plan)
    found: list[str] = []

    def walk(value: Any, parts: list[str], done: str) -> None:
        if not parts:
            if value not in (None, [], {}, ""):
                found.append(done)
            return
        head, rest = parts[0], parts[1:]
        if head == "*" and isinstance(value, list):
            for i, item in enumerate(value):
                walk(item, rest, f"{done}/{i}")
        elif isinstance(value, dict) and head in value:
            walk(value[head], rest, f"{done}/{head}")

    for pattern in patterns:
        walk(document, pattern.removeprefix("/").split("/"), "")
    return found
