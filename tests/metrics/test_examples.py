import doctest
import importlib
import pkgutil

import pytest

import aezoo.metrics

MODULES = [found.name for found in pkgutil.iter_modules(aezoo.metrics.__path__, "aezoo.metrics.")]


@pytest.mark.parametrize("name", MODULES)
def test_what_docstrings_show_is_so(name):
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.failed == 0
