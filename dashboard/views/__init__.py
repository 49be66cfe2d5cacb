"""The pages: a module here with `PAGE` and `render()` is a page."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """How a page stands in the menu and in the address bar.

    title : the question that the page answers
    icon : a material symbol, ":material/...:"
    order : place in the menu, lowest first; the lowest is the start page
    """

    title: str
    name: str
    icon: str
    url: str
    order: int


def find() -> list[tuple[Page, Callable[[], None]]]:
    """All pages of this folder, in the order of the menu."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    pages = [(module.PAGE, module.render) for module in modules]
    return sorted(pages, key=lambda page: page[0].order)
