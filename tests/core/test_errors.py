from __future__ import annotations

import pytest

from camelopard.core.errors import CamelopardError, UnknownName, require


def test_a_missing_package_names_the_extra_that_brings_it() -> None:
    with pytest.raises(CamelopardError, match=r"pip install 'camelopard\[moon\]'"):
        require("no_such_package_here", extra="moon")


def test_an_unknown_name_without_a_neighbour_lists_what_is_known() -> None:
    assert str(UnknownName.among("zzz", ["case"], "damage")) == "no damage named 'zzz'. Known: case."
