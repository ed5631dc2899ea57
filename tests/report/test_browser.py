"""The report in real headless Chromium: offline, quick, usable by mouse, keyboard and screen reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from difnet.config import read_plan
from tests.report.conftest import Rendered, rendered_in
from tests.report.project import make_project, write_section

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@dataclass
class Opened:
    """A page, and what happened while it was used."""

    page: playwright.Page
    messages: list[str] = field(default_factory=list)
    """Of the console, and uncaught errors."""
    requests: list[str] = field(default_factory=list)
    """All but the page itself and what it holds."""


Open = Callable[..., Opened]
MEAN_DIFFERENCE = """async (sources) => {
    const [one, other] = await Promise.all(sources.map(async (source) => {
        const image = Object.assign(new Image(), { src: source });
        await image.decode();
        const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0, 64, 64);
        return context.getImageData(0, 0, 64, 64).data;
    }));
    return one.reduce((sum, value, place) => sum + Math.abs(value - other[place]), 0) / one.length;
}"""
"""Mean difference of two pictures, of 255."""


@pytest.fixture
def open_report(browser: playwright.Browser) -> Iterator[Open]:
    """Opens a report from disk; at the end nothing may have been logged or requested."""
    opened: list[Opened] = []

    def open_it(report: Rendered, viewport: dict[str, int] = DESKTOP, **options: object) -> Opened:
        context = browser.new_context(viewport=viewport, **options)
        page = context.new_page()
        page.set_default_timeout(20_000)
        state = Opened(page)
        page.on("console", lambda message: state.messages.append(message.text))
        page.on("pageerror", lambda error: state.messages.append(str(error)))
        page.on("request", lambda request: state.requests.append(request.url))
        page.goto((report.path).as_uri())
        opened.append(state)
        return state

    yield open_it
    for state in opened:
        state.page.context.close()
        assert state.messages == []
        assert [url for url in state.requests[1:] if not url.startswith(("data:", "blob:"))] == []


def first_column(page: playwright.Page) -> list[str]:
    names: list[str] = page.eval_on_selector_all(
        "#toy-table-results tbody tr:not([hidden]) th small:first-of-type",
        "all => all.map((one) => one.textContent)",
    )
    return names


def test_every_image_decodes(open_report: Open, rendered: Rendered) -> None:
    page = open_report(rendered).page
    broken = page.evaluate(
        """async () => {
            const images = [...document.images];
            images.forEach((image) => { image.loading = "eager"; });
            const results = await Promise.allSettled(images.map((image) => image.decode()));
            return [images.length, images.filter((_, place) => results[place].status === "rejected").length];
        }"""
    )
    assert broken[0] > 200 and broken[1] == 0


def test_is_of_a_size_that_travels(rendered: Rendered, crowded: Rendered) -> None:
    for report in (rendered, crowded):
        assert report.path.stat().st_size <= 15e6


@pytest.mark.slow
def test_opens_within_a_second(open_report: Open, rendered: Rendered, crowded: Rendered) -> None:
    """Of wall time, which only a machine without other work keeps."""
    timing = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
    for report in (rendered, crowded):
        times = [open_report(report).page.evaluate(timing) for _ in range(3)]
        assert min(times) <= 1000, times


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["1440", "390"])
def test_nothing_is_wider_than_the_window(
    open_report: Open, rendered: Rendered, crowded: Rendered, viewport: dict[str, int]
) -> None:
    for report in (rendered, crowded):
        page = open_report(report, viewport).page
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]


BOXES = """(selector) => [...document.querySelectorAll(selector)].map((one) => {
    const box = one.getBoundingClientRect();
    return [box.left, box.top, box.right, box.bottom];
})"""
"""Left, top, right and bottom of elements, in pixels of the window."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_screen_decides(open_report: Open, rendered: Rendered, scheme: str) -> None:
    """Title, data, machine and commit, a sentence for every claim, and where the table begins."""
    page = open_report(rendered, DESKTOP, color_scheme=scheme).page
    for selector in ("h1", ".masthead dd", ".verdicts li", "#toy-table-results thead"):
        boxes = page.evaluate(BOXES, selector)
        assert boxes and max(box[3] for box in boxes) <= DESKTOP["height"], selector
    assert page.locator(".verdicts li").count() == 4
    assert len({round(box[0]) for box in page.evaluate(BOXES, ".verdicts .words")}) == 1, "in one column"
    facts = page.locator(".masthead").inner_text().split()
    assert {"Shapes,", "val,", "100", "images", "a", "CPU,", "a" * 12} <= set(facts)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_screen_of_a_phone_decides(open_report: Open, rendered: Rendered, scheme: str) -> None:
    """The confirmatory claims, with their sentences."""
    page = open_report(rendered, PHONE, color_scheme=scheme).page
    for selector in ("h1", ".masthead dd", ".verdicts ul:first-of-type li"):
        boxes = page.evaluate(BOXES, selector)
        assert boxes and max(box[3] for box in boxes) <= PHONE["height"], selector
        assert max(box[2] for box in boxes) <= PHONE["width"]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["1440", "390"])
def test_words_of_figures_are_inside_and_readable(
    open_report: Open, rendered: Rendered, viewport: dict[str, int]
) -> None:
    page = open_report(rendered, viewport).page
    shown = page.evaluate(
        """() => [...document.querySelectorAll(".plot svg text")].map((one) => {
            const [box, matrix] = [one.getBoundingClientRect(), one.getScreenCTM()];
            const size = parseFloat(getComputedStyle(one).fontSize) * Math.hypot(matrix.a, matrix.b);
            const figure = one.closest(".plot").getBoundingClientRect();
            return [one.textContent, box.left - figure.left, figure.right - box.right, box.right, size];
        }).filter((one) => one[3] > 0)"""
    )
    assert len(shown) > 150
    for text, left, right, end, size in shown:
        assert left >= -1 and end <= viewport["width"] + 1, (text, left, right, end)
        assert size >= 11.9 or text.endswith("%"), (text, size)
        assert "…" not in text


def test_table_sorts_by_number_with_missing_cells_last(open_report: Open, rendered: Rendered) -> None:
    page = open_report(rendered).page
    head = page.locator("#toy-table-results thead th").nth(3)
    values = "#toy-table-results tbody td:nth-child(4)"
    for order, reverse in (("descending", True), ("ascending", False)):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == order
        found = page.eval_on_selector_all(values, "all => all.map((one) => one.dataset.value)")
        assert found[-1] == ""
        numbers = [float(value) for value in found[:-1]]
        assert numbers == sorted(numbers, reverse=reverse) and len(set(numbers)) == 5


def test_table_filters_by_tag_and_hides_columns(open_report: Open, rendered: Rendered) -> None:
    page = open_report(rendered).page
    everything = first_column(page)
    page.locator("#toy-results select").select_option("group1")
    assert first_column(page) == [name for name in everything if name in {"dense_inverse", "deeplab"}]
    page.locator("#toy-results select").select_option("")
    assert first_column(page) == everything
    page.locator("#toy-results").get_by_role("searchbox").fill("BRANCH")
    assert sorted(first_column(page)) == ["seed_only", "similarity_only"]
    page.locator("#toy-results").get_by_role("searchbox").fill("")
    page.locator("#toy-results .tools summary").click()
    page.get_by_label("pixel accuracy", exact=True).uncheck()
    assert page.locator("#toy-table-results thead th", has_text="pixel accuracy").is_hidden()
    assert page.locator("#toy-table-results thead th", has_text="Latency").is_visible()


@pytest.mark.parametrize(("form", "suffix"), [("Markdown", "md"), ("LaTeX", "tex"), ("CSV", "csv")])
def test_copies_equal_the_exported_files(
    open_report: Open, rendered: Rendered, form: str, suffix: str
) -> None:
    page = open_report(rendered, permissions=["clipboard-read", "clipboard-write"]).page
    for name in ("results", "timing-latency-ms", "deeplab-sizes", "classes"):
        holder = page.locator(f"[data-table]:has(#toy-table-{name})")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        holder.get_by_role("button", name=f"Copy {form}").click()
        holder.get_by_role("button", name="Copied").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        exported = (rendered.folder / "tables" / f"{name}.{suffix}").read_text(encoding="utf-8")
        assert copied == exported


def test_a_table_is_saved(open_report: Open, rendered: Rendered) -> None:
    page = open_report(rendered).page
    with page.expect_download() as download:
        page.locator("#toy-results").get_by_role("button", name="Save CSV").click()
    assert download.value.suggested_filename == "results.csv"
    exported = (rendered.folder / "tables" / "results.csv").read_text(encoding="utf-8")
    assert Path(download.value.path()).read_text(encoding="utf-8") == exported


def test_command_of_a_run_is_copied(open_report: Open, rendered: Rendered) -> None:
    page = open_report(rendered, permissions=["clipboard-read", "clipboard-write"]).page
    run = page.locator("[id='toy-run-seed_only'] details").first
    run.locator("summary").first.click()
    run.get_by_role("button", name="Copy").click()
    run.get_by_role("button", name="Copied").wait_for()
    command = f"{read_plan(rendered.folder).command} -- results/toy/runs/seed_only/seed0/scores.csv"
    assert page.evaluate("navigator.clipboard.readText()") == command


def board(page: playwright.Page) -> playwright.Locator:
    return page.locator("[data-explorer]").first


def sources(page: playwright.Page) -> list[str]:
    return [
        image.get_attribute("src") or "" for image in board(page).locator(".panel:not(.chooser) img").all()
    ]


def test_explorer_answers_a_click(open_report: Open, rendered: Rendered) -> None:
    page = open_report(rendered).page
    before = sources(page)
    picker = board(page).locator(".picker")
    picker.scroll_into_view_if_needed()
    box = picker.bounding_box()
    picker.click(position={"x": 0.2 * box["width"], "y": 0.95 * box["height"]})
    playwright.expect(board(page)).to_have_attribute("data-node", "57")
    assert "Row 8 of 8, column 2 of 8 (ring)" in board(page).inner_text()
    after = sources(page)
    assert len(after) == 6 and not set(before) & set(after)
    words = board(page).locator(".panel:not(.chooser) .words").all_inner_texts()
    assert all(
        re.fullmatch(r"seed mass 0\.\d\d, \d+% ends on ring, likeliest node [\d.]+%", text) for text in words
    )


def test_explorer_is_moved_by_arrow_keys_and_stays_inside(open_report: Open, rendered: Rendered) -> None:
    page = open_report(rendered).page
    board(page).locator(".picker").focus()
    for key, node in (("ArrowLeft", 35), ("ArrowUp", 27), ("ArrowRight", 28), ("ArrowDown", 36)):
        page.keyboard.press(key)
        playwright.expect(board(page)).to_have_attribute("data-node", str(node))
    first = board(page).locator(".panel:not(.chooser) .words").all_inner_texts()
    for _ in range(9):
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
    playwright.expect(board(page)).to_have_attribute("data-node", "0")
    place = board(page).locator("[data-place]")
    assert place.inner_text() == "Row 1 of 8, column 1 of 8 (void)"
    assert place.get_attribute("aria-live") == "polite"
    assert board(page).locator(".panel:not(.chooser) .words").all_inner_texts() != first


def test_explorer_says_the_same_with_and_without_script(
    open_report: Open, browser: playwright.Browser, rendered: Rendered
) -> None:
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto(rendered.path.as_uri())
    written = board(plain).locator(".words").all_inner_texts()
    plain.context.close()
    page = open_report(rendered).page
    static = sources(page)
    board(page).locator(".picker").focus()
    for key, node in (("ArrowLeft", 35), ("ArrowRight", 36)):
        page.keyboard.press(key)
        playwright.expect(board(page)).to_have_attribute("data-node", str(node))
    assert board(page).locator(".words").all_inner_texts() == written
    for before, after in zip(static, sources(page), strict=True):
        assert page.evaluate(MEAN_DIFFERENCE, [before, after]) < 4


def test_gallery_switches_to_another_seed(open_report: Open, rendered: Rendered) -> None:
    """Where a variant has it, in every image; the keyboard walks through what is shown."""
    page = open_report(rendered).page
    notes = page.locator("#toy-examples .example").nth(1).locator(".strip:visible h5 small")
    typical = notes.all_inner_texts()
    assert len(typical) == 6 and all(note.startswith("seed 0, ") for note in typical)
    page.get_by_label("Show seed").select_option("2")
    switched = notes.all_inner_texts()
    assert [note.split(",")[0] for note in switched] == ["seed 2"] * 5 + ["seed 0"]
    first = page.locator("#toy-examples .example").first
    first.locator(".strip:visible .maps img").nth(2).focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('.strip').dataset.seed") == "2"
    page.get_by_label("Show seed").select_option("nearest to the median")
    assert notes.all_inner_texts() == typical


def test_gallery_is_walked_by_keyboard(open_report: Open, rendered: Rendered) -> None:
    page = open_report(rendered).page
    strips = page.locator(".example .maps")
    assert strips.nth(1).locator("img[tabindex='0']").count() == 1
    strips.nth(1).locator("img").first.focus()
    focused = "document.activeElement.alt"
    assert page.evaluate(focused).startswith("Prediction of DifNet (cascade)")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused).startswith("Errors of DifNet (cascade)")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused).startswith("Errors of Sim-DeepLab") or page.evaluate(focused).startswith(
        "Errors of"
    )
    page.keyboard.press("Enter")
    dialog = page.locator("dialog")
    assert dialog.is_visible()
    shown = dialog.locator("p").inner_text()
    page.keyboard.press("ArrowRight")
    assert dialog.locator("p").inner_text() != shown
    page.keyboard.press("Escape")
    assert dialog.is_hidden()
    assert page.evaluate(focused).startswith("Scores of")


def test_dark_mode_swaps_page_and_figures(open_report: Open, rendered: Rendered) -> None:
    colours = """() => {
        const style = (selector) => getComputedStyle(document.querySelector(selector));
        return [style("body").backgroundColor, style("body").color, style(".plot svg text").fill];
    }"""
    light = open_report(rendered, color_scheme="light").page.evaluate(colours)
    dark = open_report(rendered, color_scheme="dark").page.evaluate(colours)
    assert light[0] == "rgb(255, 255, 255)" and dark[0] == light[0].replace("255, 255, 255", "20, 23, 27")
    assert all(one != other for one, other in zip(light, dark, strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["1440", "390"])
def test_axe_finds_no_serious_violation(
    open_report: Open, rendered: Rendered, viewport: dict[str, int], scheme: str
) -> None:
    page = open_report(rendered, viewport, color_scheme=scheme, reduced_motion="reduce").page
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = axe.Axe().run(page).response["violations"]
    serious = {
        item["id"]: [node["html"][:120] for node in item["nodes"][:3]]
        for item in found
        if item["impact"] in {"serious", "critical"}
    }
    assert serious == {}


def test_prints_on_a_sane_number_of_pages(open_report: Open, rendered: Rendered, tmp_path: Path) -> None:
    page = open_report(rendered).page
    page.pdf(path=tmp_path / "report.pdf", format="A4", margin={"top": "12mm", "bottom": "12mm"})
    content = (tmp_path / "report.pdf").read_bytes()
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", content))
    assert 4 <= pages <= 10


def test_only_the_script_of_the_page_runs(open_report: Open, tmp_path: Path) -> None:
    folder = make_project(tmp_path, variants={"cascade": "Cascade"}, seeds=(0,), size=24)
    write_section(folder / "sections" / "cascade")
    evil = "<p onclick='document.title = 1'>x</p><script>document.title = 'taken'</script>"
    (folder / "sections" / "cascade" / "words.html").write_text(evil)
    state = open_report(rendered_in(tmp_path, folder))
    state.page.locator(".fragment p").click()
    assert state.page.title() == "DifNet-Bench: The toy benchmark"
    assert all("Content Security Policy" in text for text in state.messages) and len(state.messages) == 2
    state.messages.clear()
