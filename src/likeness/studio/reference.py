"""The API's description as a page that loads nothing: FastAPI's own pages fetch scripts from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any


def page(openapi: Mapping[str, Any], style: str = "reference.css") -> str:
    """OpenAPI as HTML, with no script in it."""
    info, rows = openapi["info"], []
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            rows.append(_operation(method, path, operation))
    schemas = [_schema(name, one) for name, one in openapi.get("components", {}).get("schemas", {}).items()]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="{escape(style)}"></head><body><main>'
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info.get('description', ''))}</p>"
        f'<p>As data: <a href="openapi.json">openapi.json</a>.</p>{"".join(rows)}<h2>Bodies</h2>'
        f"{''.join(schemas)}</main></body></html>"
    )


STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 2rem; font-size: 1.1rem; }
h2 code, td code { font-size: 1em; }
table { border-collapse: collapse; }
td, th { text-align: left; vertical-align: top; padding: 0.15rem 1rem 0.15rem 0; }
"""


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    said = escape(operation.get("description") or operation.get("summary", ""))
    parameters = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(_kind(one.get('schema', {})))}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", [])
    )
    body = operation.get("requestBody", {}).get("content", {})
    bodies = ", ".join(f"{media}: {_kind(one.get('schema', {}))}" for media, one in body.items())
    return (
        f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2><p>{said}</p>"
        + (f"<table>{parameters}</table>" if parameters else "")
        + (f"<p>Body: <code>{escape(bodies)}</code></p>" if bodies else "")
    )


def _schema(name: str, one: Mapping[str, Any]) -> str:
    needed = one.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code>{' (needed)' if field in needed else ''}</td><td>{escape(_kind(kind))}</td>"
        f"<td>{escape(str(kind.get('description', '')))}</td></tr>"
        for field, kind in one.get("properties", {}).items()
    )
    return f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3><table>{rows}</table>'


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))
