"""The key is in no record, log, notebook, page, exception or picture of an object."""

from __future__ import annotations

import io
import logging
import pickle
import traceback

import numpy as np
import pytest

import hhlab as hh
from hhlab.errors import HhlabError
from hhlab.generate.backoff import Patience
from hhlab.generate.secrets import Secret
from tests.generate.fake_modelstudio import KEY

GREY = np.full((40, 40, 3), 128, np.uint8)
OTHER = "sk-other-0123456789/+=?&"


def everything_said_of(error: BaseException) -> str:
    """As a notebook at its most talkative would show it: every frame below this file's, with its
    variables, and whatever it is chained to."""
    error.__traceback__ = error.__traceback__.tb_next
    found = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(found.format()) + repr(error) + str(vars(error))


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_the_key_is_nowhere_but_in_the_request(studio, tmp_path, monkeypatch, capfd, key):
    monkeypatch.setenv("DASHSCOPE_API_KEY", key)
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    monkeypatch.setattr(root, "level", logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("dashscope"), "level", logging.DEBUG)
    root.addHandler(handler)
    said = []
    try:
        patience = Patience(tries=2, first_s=0.001, poll_s=0.001, settle_s=0.001)
        pipe = hh.load("happyhorse-1.1", endpoint=studio.endpoint, folder=tmp_path,
                       patience=patience)  # fmt: skip
        said += [repr(pipe), str(vars(pipe)), str(vars(pipe._service))]
        faults = ["", "429", "500", "dropped", "malformed", "401 InvalidApiKey", "400 Arrearage"]
        for number, fault in enumerate(faults):
            studio.plan("start", *[fault] * 2)
            try:
                clip = pipe.generate(hh.Shot(f"a man {number}", references=[GREY]))
                said += [repr(clip.info), str(dict(clip.provenance))]
            except HhlabError as error:
                said += [everything_said_of(error)]
        with pytest.raises(TypeError):
            pickle.dumps(pipe)
    finally:
        root.removeHandler(handler)
    assert studio.requests if key == KEY else not studio.requests
    out, err = capfd.readouterr()
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    text = "".join([*said, log.getvalue(), out, err])
    assert len(text) > 1000 and "happyhorse-1.1" in text
    for form in {key, key.replace("/", "%2F")}:
        assert form not in text
        assert all(form.encode() not in data for data in written)


def test_a_secret_shows_itself_only_when_asked():
    secret = Secret(OTHER)
    assert OTHER not in f"{secret} {secret!r} {[secret]} { ({'key': secret}) }"
    assert secret.reveal() == OTHER
    hidden = secret.hide(f"Incorrect key {OTHER} in https://x?k=sk-other-0123456789%2F%2B%3D%3F%26")
    assert "0123456789" not in hidden


def test_pages_and_notebooks_of_generated_clips_do_not_hold_it(studio, tmp_path, small_page):
    """The page that is written of a clip, and a notebook cell that shows the generator."""
    pipe = hh.load("happyhorse-1.1", endpoint=studio.endpoint, folder=tmp_path)
    clip = pipe.generate(hh.Shot("a man"))
    assert KEY not in small_page(clip)
    for thing in (pipe, clip, pipe._service, pipe._setting):
        shown = [repr(thing), str(thing)]
        shown += [str(getattr(thing, name)()) for name in ("_repr_html_", "_repr_mimebundle_")
                  if hasattr(thing, name)]  # fmt: skip
        assert KEY not in "".join(shown)


@pytest.fixture
def small_page(tmp_path):
    def write(clip) -> str:
        from hhlab.report.page import write_page

        write_page(tmp_path / "page.html", clip.info, (), clip)
        return (tmp_path / "page.html").read_text()

    return write
