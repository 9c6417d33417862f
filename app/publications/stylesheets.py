"""Style sheets of others, of which only what neither fetches nor runs is kept."""

from typing import Any

import tinycss2

ACTIVE_CSS = {"url", "expression", "image-set", "src", "element", "image", "cross-fade"}
KEPT_AT_RULES = {"media", "supports"}


def clean_css(css: str) -> str:
    """A style sheet without imports, fonts, and everything that fetches or runs."""
    return _serialised(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True))


def _serialised(rules: list[Any]) -> str:
    kept = []
    for rule in rules:
        kind = rule.type
        if kind == "qualified-rule":
            kept.append(_rule(rule.prelude, _declarations(rule.content)))
        elif kind == "at-rule" and rule.lower_at_keyword in KEPT_AT_RULES and rule.content:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            prelude = tinycss2.serialize(rule.prelude)
            kept.append(f"@{rule.lower_at_keyword}{prelude}{{{_serialised(inner)}}}")
    return "\n".join(kept)


def _rule(prelude: list[Any], declarations: str) -> str:
    return f"{tinycss2.serialize(prelude)}{{{declarations}}}"


def _declarations(content: list[Any]) -> str:
    parsed = tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)
    safe = (d for d in parsed if d.type == "declaration" and not _acts(d.value))
    return ";".join(f"{d.lower_name}:{tinycss2.serialize(d.value)}" for d in safe)


def _acts(tokens: list[Any]) -> bool:
    for token in tokens:
        kind = token.type
        if kind in ("url", "error"):
            return True
        if kind == "function" and (token.lower_name in ACTIVE_CSS or _acts(token.arguments)):
            return True
    return False
