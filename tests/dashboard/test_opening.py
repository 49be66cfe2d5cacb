"""The first picture of the Run page, drawn before the page itself is there.

Wrong would be: another picture than the page's own (the reader sees it change for no reason); a page that never starts
because the picture failed; waiting for ever on an empty folder; a secret or a script that the HTML's text could break.
"""

from __future__ import annotations

import json
import threading
import time
from types import SimpleNamespace

from analysis import host
from analysis.board import Board
from dashboard import opening, requests
from tests.dashboard.conftest import policy_log

HTML = (
    "<html><head><title>x</title>"
    '<script type="module" crossorigin src="./static/js/index.abc.js"></script></head><body></body></html>'
)


def test_the_picture_is_that_of_the_newest_run_before_all_others_of_its_kind(board):
    seen = opening.view(board.runs(), [], "dark")
    assert seen is not None
    assert seen.theme == "dark"
    table = board.runs().set_index("run")
    with_curves = table[table["n_metrics"] > 0]
    assert seen.runs == (with_curves["last_seen"].idxmax(),)
    assert set(seen.behind) == set(with_curves[with_curves["kind"] == "policy"].index) - set(seen.runs)


def test_an_address_names_its_runs_in_its_order_and_unknown_ones_are_left_out(board):
    seen = opening.view(board.runs(), ["ppo-b", "gone", "ppo-a"], "light")
    assert seen is not None
    assert seen.runs == ("ppo-b", "ppo-a")
    assert len(set(seen.slots)) == 2


def test_the_page_asks_for_exactly_what_was_drawn_before_it(board, draw):
    page = draw("run", board, run=["ppo-a", "ppo-b"])
    seen = opening.view(board.runs(), ["ppo-a", "ppo-b"], "light")
    assert not page.exception
    assert seen is not None
    drawn = page.session_state["choice"]["runs"]
    assert tuple(drawn) == seen.runs
    assert tuple(page.session_state["marks"][run] for run in drawn) == seen.slots


def test_the_answer_holds_the_request_its_figure_and_the_version_of_both(board):
    shared = host.Host(board, [], None)
    body, _, version = requests.first(shared, {"runs": ["ppo-a"], "theme": "light"})
    told = json.loads(body)
    assert told["version"] == version
    assert requests.curves(shared, told["request"] | {"have": version}) == (None, "", version)
    assert len(told["answer"]["figure"]["data"]) > 0
    assert told["answer"]["caption"].endswith(".")
    assert json.loads(requests.curves(shared, told["request"])[0]) == told["answer"]


def test_nothing_is_answered_where_nothing_is_read_or_no_run_has_curves(board):
    with Board.open() as empty:
        assert requests.first(host.Host(empty, [], None), {"runs": []})[0] is None
    assert requests.first(host.Host(board, [], None), {"runs": ["deployed"]})[0] is None


def test_the_answer_waits_for_the_first_run_of_a_reading_that_has_begun(tmp_path):
    policy_log(tmp_path / "late")
    with Board.open() as board:
        shared = host.Host(board, [tmp_path], None)

        def read() -> None:
            time.sleep(0.3)
            board.ingest(tmp_path)

        reader = threading.Thread(target=read)
        reader.start()
        seen = opening.wanted(shared, {"runs": []})
        reader.join()
    assert seen is not None
    assert seen.runs == ("late",)


def test_the_client_of_the_page_starts_after_the_picture_and_is_not_lost():
    html = opening.into(HTML, "token")
    assert '<script type="module"' not in html
    assert '"client": "./static/js/index.abc.js"' in html
    assert html.index("function rewardboardOpen") < html.index("rewardboardOpen({")


def test_html_of_another_form_keeps_its_own_script():
    other = HTML.replace('type="module"', 'type="text/javascript"')
    assert 'src="./static/js/index.abc.js"></script>' in opening.into(other, "token")


def test_pages_and_the_opening_speak_of_the_same_address():
    from dashboard import views

    assert opening.PATH in {f"/{page.url}" for page, _ in views.find()}


def test_a_theme_that_is_none_of_ours_draws_the_light_one(board):
    seen = opening.wanted(SimpleNamespace(board=board, reading=False), {"runs": ["ppo-a"], "theme": "<script>"})
    assert seen is not None
    assert seen.theme == "light"
