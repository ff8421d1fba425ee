"""The glossary of the course: a heading for each term; the chapters link to it where they first use one."""

import re

from docs.site.particles import ENDING

_KEPT = re.compile(
    r"```.*?```|:::.*?:::|`[^`]*`|\[[^\]]*\]\([^)]*\)|^#.*?$|\$[^$]*\$|<!--.*?-->|<[^>]*>|^\|.*?$", re.S | re.M
)


def terms(page: str) -> list[str]:
    """The terms that the glossary explains, the longest first."""
    return sorted(re.findall(r"^### (.+)$", page, re.M), key=len, reverse=True)


def linked(text: str, known: list[str]) -> str:
    """A chapter in which each term is a link where it first stands in a sentence."""
    pattern = re.compile(rf"(?<![가-힣A-Za-z_])({'|'.join(map(re.escape, known))})(?={ENDING}(?![가-힣])|[^가-힣]|$)")
    seen: set[str] = set()

    def link(match: re.Match[str]) -> str:
        if match[1] in seen:
            return match[1]
        seen.add(match[1])
        return f"[{match[1]}](glossary.md#{match[1].replace(' ', '-').lower()})"

    parts, at = [], 0
    for kept in _KEPT.finditer(text):
        parts += [pattern.sub(link, text[at : kept.start()]), kept[0]]
        at = kept.end()
    return "".join([*parts, pattern.sub(link, text[at:])])
