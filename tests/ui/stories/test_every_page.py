"""Every page in both themes and widths: it stands still while it loads, says nothing on the console, and can be read.

Limits: cumulative layout shift below 0.1 is "good" (web.dev/articles/cls); WCAG 2.2 asks for 4.5:1 for text (1.4.3) and
3:1 for lines and marks (1.4.11); axe-core finds what else a program can find.
"""

from __future__ import annotations

import pytest

PAGES = {
    "overview": "/",
    "run": "/run?run=ppo-a&run=ppo-b",
    "rollouts": "/run?run=ppo-a&details=Rollouts&rest=false",
    "reward models": "/reward-models?scorer=rm-good&scorer=rm-weak",
    "compare": "/compare?model=rm-good&model=rm-weak",
    "drift": "/drift?stream=deployed",
    "losses": "/losses",
    "data": "/data",
}
STILL = 0.02
"""Cumulative layout shift that we keep to: a fifth of what is called good. Measured: below 0.005."""


SIGHTS = [(name, width, scheme) for name in PAGES for width in (1400, 800) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def loaded(reader):
    """The page that was loaded last: it is looked at in both themes."""
    return {}


@pytest.fixture(scope="module", params=SIGHTS, ids=lambda sight: "-".join(map(str, sight)))
def seen(request, reader, loaded):
    """A page that was just loaded, and the same page once the reader's system turned dark."""
    name, width, scheme = request.param
    if (name, width) not in loaded:
        for shown in loaded.values():
            shown.page.close()
        loaded.clear()
        loaded[name, width] = reader(PAGES[name], width=width)
    return loaded[name, width].turn(scheme)


def test_it_stands_still(seen):
    shifts = seen.page.evaluate("measured.shifts")
    assert sum(shift["value"] for shift in shifts) < STILL, shifts


def test_its_words_can_be_read(seen):
    assert seen.page.evaluate("measured.faintWords()") == []


def test_its_lines_and_marks_can_be_seen(seen):
    assert seen.page.evaluate("measured.faintMarks()") == []


def test_axe_finds_nothing_serious(seen):
    assert seen.violations() == []


def test_nothing_failed_and_nothing_is_wider_than_the_window(seen):
    seen.check()
