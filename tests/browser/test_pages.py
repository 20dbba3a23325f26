"""The pages in a real browser: every link leads somewhere, nothing is wrong on the way, everything can be read and reached by keys."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import NAME, PASSWORD, Enter, Site, Visit

PICTURES = Path("build/pages")
MOST = 60  # pages of a crawl; of those that look alike (verdicts, pages of a list) a few
ALIKE = 3
MODEL = f"/models/{quote(NAME)}"
VERDICT = "/traffic/BLOCKED"
PLACES = {  # who goes there
    "nobody": ("/sign-in",),
    "admin": (
        "/models", MODEL, f"{MODEL}/contract", f"{MODEL}/versions", f"{MODEL}/versions/1", f"{MODEL}/compare?from=1&to=2", f"{MODEL}/traffic",
        f"{MODEL}/try", "/traffic", VERDICT, "/people", "/people/dora", "/audit", "/audit/verify", "/me", "/me/password", "/api",
    ),
    "dora": ("/models", MODEL, f"{MODEL}/contract/edit", f"{MODEL}/contract/edit?as_text=true"),
    "ben": (f"{MODEL}/versions/2",),
}  # fmt: skip
LOOKS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]

CONTRAST = """() => {
  const parse = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = c => { const f = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(c[0]) + 0.7152 * f(c[1]) + 0.0722 * f(c[2]); };
  const ground = node => {
    for (let e = node; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0.5) return c; }
    return [255, 255, 255]; };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (!text || !e.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (e.closest('.unseen, .skip, [disabled], option, script, style, svg title, svg desc')) continue;
    const style = getComputedStyle(e), a = light(parse(e.closest('svg') ? style.fill : style.color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`${text.slice(0, 40)} (${e.tagName.toLowerCase()}.${e.getAttribute("class")}): ${ratio.toFixed(2)}`);
  }
  return found;
}"""
NAMELESS = """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a[href]')]
  .filter(e => e.checkVisibility() && !(e.innerText || '').trim() && !e.labels?.length)
  .filter(e => !e.getAttribute('aria-label') && !e.title && !e.querySelector('svg title, img[alt]'))
  .map(e => e.outerHTML.slice(0, 120))"""

BROKEN = """() => Promise.all([...document.images].map(image => {
  image.loading = 'eager';  // also where nobody scrolls to it
  return image.decode().then(() => '', () => image.src);
}))"""

MOST_KEYS = 150
MOST_BYTES = 60_000  # compressed, as they come over the network
FOCUS = "() => document.activeElement === document.body ? -1 : [...document.querySelectorAll('*')].indexOf(document.activeElement)"
WANTED = """() => { const all = [...document.querySelectorAll('*')];
  return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
    .filter(e => e.checkVisibility() && !e.disabled).map(e => [all.indexOf(e), e.outerHTML.slice(0, 80)]); }"""


def test_no_link_is_dead_and_nothing_goes_wrong_on_the_way(visit: Visit, site: Site) -> None:
    waiting, seen, alike = ["/models"], {"/models"}, dict[str, int]()
    while waiting and len(seen) - len(waiting) < MOST:
        address = waiting.pop(0)
        answer = visit.page.goto(address)
        assert answer is not None and answer.status == 200, (address, answer and answer.status)
        for link in visit.page.eval_on_selector_all("a[href]:not([download])", "all => all.map(a => a.getAttribute('href'))"):
            parts = urlsplit(urljoin(f"{site.address}{address}", link))
            if f"{parts.scheme}://{parts.netloc}" != site.address:
                assert parts.scheme in ("http", "https", "mailto"), link
                continue
            to = parts.path + (f"?{parts.query}" if parts.query else "")
            kind = re.sub(r"[0-9a-f]{8,}[-\d]*|\d+", "#", re.sub(r"=[^&]*", "=", to))
            if to not in seen and alike.get(kind, 0) < ALIKE and not parts.path.startswith(("/static", "/openapi", "/metrics")):
                alike[kind] = alike.get(kind, 0) + 1
                seen.add(to)
                waiting.append(to)
    assert visit.wrong == []
    assert len(seen) > 20


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_can_be_read_at_this_width_and_in_this_light(enter: Enter, site: Site, width: int, scheme: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for who, places in PLACES.items():
        visit = enter(who, width, scheme)
        page = visit.page
        for place in places:
            page.goto(place.replace(VERDICT, f"/traffic/{site.blocked}"))
            assert [address for address in page.evaluate(BROKEN) if address] == [], place
            page.screenshot(path=PICTURES / f"{_called(who, place)}-{width}-{scheme}.png", full_page=True)
            assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
            sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert sideways <= 0, (place, sideways)
            assert page.evaluate(CONTRAST) == [], place
            assert page.evaluate(NAMELESS) == [], place
            assert page.locator("h1").count() == 1, place
        assert visit.wrong == []


def _called(who: str, place: str) -> str:
    """Return the name of a picture."""
    name = re.sub(r"\W+", "-", place.replace(MODEL, "/model")).strip("-").lower()
    return name if who in ("admin", "nobody") else f"{name}-{who}"


def test_every_page_is_small_with_everything_that_it_loads(enter: Enter, site: Site) -> None:
    large = {}
    for who, places in PLACES.items():
        for place in places:
            page = enter(who).page  # a browser that has seen nothing yet
            loaded = _loaded(page)
            page.goto(place.replace(VERDICT, f"/traffic/{site.blocked}"))
            page.evaluate(BROKEN)
            size = sum(request.sizes()["responseBodySize"] for request in loaded)
            assert len(loaded) >= 3, place  # the page and its style sheets, at least
            if size > MOST_BYTES:
                large[place] = size
            page.context.close()
    assert large == {}


def _loaded(page: Page) -> list[Request]:
    """Return a list to which all that a page loads comes by itself."""
    found: list[Request] = []
    page.on("requestfinished", lambda request: found.append(request))
    return found


@pytest.mark.parametrize(("who", "place"), [("admin", "/models"), ("admin", "/audit"), ("admin", f"{MODEL}/try"), ("dora", f"{MODEL}/contract/edit")])
def test_the_first_key_leads_to_the_content_and_everything_can_be_reached_by_keys_in_its_order(enter: Enter, who: str, place: str) -> None:
    page = enter(who).page
    page.goto(place)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.goto(place)
    reached: list[int] = []
    for _ in range(MOST_KEYS):
        page.keyboard.press("Tab")
        if (at := page.evaluate(FOCUS)) < 0:
            break
        reached.append(at)
    assert reached == sorted(set(reached))
    wanted = page.evaluate(WANTED)
    assert [words for at, words in wanted if at not in reached] == [] and len(wanted) > 10


def test_a_form_is_sent_by_enter(visit: Visit) -> None:
    visit.page.goto("/audit")
    visit.page.get_by_label("By whom").fill("dora")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/audit?who=dora*")
    assert {name.strip() for name in visit.page.locator("td[data-name=Who] a").all_inner_texts()} == {"dora"}
    visit.page.goto("/models")
    visit.page.get_by_label("Words in name").fill("nothing of this name")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/models?words=nothing*")
    assert visit.page.get_by_role("link", name=NAME).count() == 0
    assert visit.wrong == []


def test_a_contract_that_one_edits_another_approves_and_the_audit_log_says_who(enter: Enter) -> None:
    dora, ben, admin = enter("dora"), enter("ben"), enter("admin")
    dora.page.goto(f"{MODEL}/contract/edit?version=1")
    rule = dora.page.locator(".rule").filter(has_text="age lies between 18 and 89.")
    rule.get_by_label("Highest").fill("95")
    dora.page.get_by_label("Why it changes").fill("Ninety is no mistake.")
    dora.page.keyboard.press("Enter")
    dora.page.wait_for_url("**/versions/*?made=true")
    made = urlsplit(dora.page.url).path
    expect(dora.page.locator("main")).to_contain_text("not yet; somebody other than you has to")
    assert dora.page.get_by_role("button", name="Approve it").count() == 0

    ben.page.goto(f"{MODEL}/compare?from=1&to={made.rpartition('/')[2]}")
    expect(ben.page.locator("ins")).to_contain_text("age lies between 18 and 95.")
    ben.page.goto(made)
    ben.page.get_by_role("button", name="Approve it").click()
    expect(ben.page.get_by_role("row", name="Approved")).to_contain_text("by ben")

    admin.page.goto("/audit")
    approved, added = (admin.page.locator("tbody tr").filter(has_text=words) for words in ("version approved", "Ninety is no mistake."))
    expect(approved.first).to_contain_text("ben")
    expect(added).to_contain_text("dora")
    assert dora.wrong == ben.wrong == admin.wrong == []


def test_a_script_in_a_row_is_only_text(visit: Visit) -> None:
    visit.page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    visit.page.goto("/traffic")
    expect(visit.page.locator("main")).to_contain_text("alert(1)")
    assert visit.wrong == []


def test_pages_work_without_scripts(enter: Enter, site: Site) -> None:
    for who, places in PLACES.items():
        page = enter(who, scripts=False).page
        for place in places:
            answer = page.goto(place.replace(VERDICT, f"/traffic/{site.blocked}"))
            assert answer is not None and answer.status == 200, place
            assert page.locator("h1").count() == 1


def test_forms_work_without_scripts(enter: Enter) -> None:
    page = enter("nobody", scripts=False).page
    page.goto(f"{MODEL}/try")
    page.get_by_label("Name").fill("dora")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{MODEL}/try")
    page.get_by_label("age").first.fill("1985")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("age is 1985; expected")


def test_a_verdict_comes_into_the_live_list_by_itself(visit: Visit, site: Site) -> None:
    visit.page.goto("/traffic")
    before = visit.page.locator("tbody tr").count()
    assert before > 0
    answer = visit.page.request.post(f"{MODEL}/predict", data=[{"age": 4242, "job": "smith"}])
    assert answer.ok
    expect(visit.page.locator("main")).to_contain_text("4242", timeout=15_000)
    assert visit.wrong == []


def test_a_row_can_be_tried_without_code(visit: Visit) -> None:
    visit.page.goto(f"{MODEL}/try")
    visit.page.get_by_label("age").first.fill("1985")
    visit.page.get_by_role("button", name=re.compile("try|judge|verdict", re.IGNORECASE)).first.click()
    expect(visit.page.locator("main")).to_contain_text("1985")
    expect(visit.page.locator("main")).to_contain_text(re.compile("lies between|range"))
    assert visit.wrong == []
