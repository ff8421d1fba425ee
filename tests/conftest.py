"""Hypothesis profiles: "usual" for every run, on demand "few" (make quick) and "long", with HYPOTHESIS_PROFILE=long.

A test that sets `max_examples` itself is the same size under all profiles, so leave it to the profile.
With CI=true the examples are the same on every run.
"""

import gc
import os
import signal
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

pytest_plugins = "pytester"  # for the tests of the package's own plugin

os.environ["LC_ALL"] = "C.UTF-8"  # what is printed is in English first, wherever the tests run
os.environ.setdefault("MPLBACKEND", "Agg")  # no test opens a window, nor does an example that a test runs

IN_CI = os.environ.get("CI", "").lower() == "true"

for profile, examples in {"few": 3, "usual": 50, "long": 2000}.items():
    settings.register_profile(profile, deadline=None, derandomize=IN_CI, max_examples=examples, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C is a KeyboardInterrupt, here and in what is started from here, also where it is ignored: a shell that starts the suite
    in the background makes it so.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before or signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is loaded here stays to the end, so the collector of cycles need not look at it meanwhile."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
