"""Streamlit as the pages' application.

Where an expert would catch it being wrong: its start grows with the packages that are installed; another version of
Streamlit looks for them in another way, and nobody notices.
"""

from __future__ import annotations

import importlib.metadata

import pytest
from streamlit.components.v2 import component_manager, manifest_scanner

from dashboard import site


def test_no_installed_package_is_looked_at_for_components(monkeypatch):
    asked = []
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: asked.append(1) or [])
    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", manifest_scanner.scan_component_manifests)
    component_manager.BidiComponentManager().discover_and_register_components(start_file_watching=False)
    if not asked:
        pytest.fail("Streamlit looks for components in another way now: see `site.own_components_only`")
    asked.clear()
    site.own_components_only()
    component_manager.BidiComponentManager().discover_and_register_components(start_file_watching=False)
    assert not asked
