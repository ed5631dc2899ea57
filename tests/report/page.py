"""A small reader of the report's HTML for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID_ELEMENTS = {"meta", "link", "img", "br", "input", "hr"}


@dataclass
class Element:
    """An HTML element."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text below it."""
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    @property
    def own_text(self) -> str:
        """The text of a table cell without its small type."""
        return "".join(
            child if isinstance(child, str) else child.text
            for child in self.children
            if isinstance(child, str) or child.tag != "small"
        ).strip()

    def all(self, *tags: str) -> list[Element]:
        """Elements below it with one of these tags, or all."""
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                if not tags or child.tag in tags:
                    found.append(child)
                found += child.all(*tags)
        return found


def small(cell: Element) -> str:
    """The small type of a table cell."""
    return "".join(item.text for item in cell.all("small"))


class Page(HTMLParser):
    """The tree of a page; a tag that is closed out of turn is an error."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self._open = [self.root]

    @classmethod
    def parse(cls, text: str) -> Page:
        page = cls()
        page.feed(text)
        page.close()
        assert page._open == [page.root], f"never closed: {[item.tag for item in page._open[1:]]}"
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in VOID_ELEMENTS:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def by_id(self, name: str) -> Element:
        """The one element with this id."""
        (found,) = [item for item in self.root.all() if item.attributes.get("id") == name]
        return found

    def table(self, name: str) -> list[dict[str, Element]]:
        """Rows of a table by the heads of its columns."""
        table = self.by_id(name)
        (head,) = table.all("thead")
        (body,) = table.all("tbody")
        titles = [item.own_text for item in head.all("th")]
        return [dict(zip(titles, row.all("th", "td"), strict=True)) for row in body.all("tr")]
