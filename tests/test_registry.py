import subprocess
import sys

import pytest

from remanence.errors import BadConfig, UnknownName
from remanence.registry import build, load, names


def test_an_unknown_name_suggests_and_lists():
    with pytest.raises(UnknownName, match=r"no text memory 'wrods'. Did you mean 'words'\? Known: .*dense.*words"):
        load("text", "wrods")


def test_an_unknown_form_lists_the_forms():
    with pytest.raises(UnknownName, match=r"no form 'txt'. Did you mean 'text'\?"):
        names("txt")


def test_an_unknown_setting_suggests():
    with pytest.raises(BadConfig, match=r"no setting of embedder 'hashing' called 'dmi'. Did you mean 'dim'\?"):
        build("embed", "hashing", dmi=8)


def test_services_go_only_to_those_who_ask():
    assert build("embed", "hashing", {"lm": object()}, dim=16).dim == 16


def test_listing_imports_none_of_the_parts():
    code = "import sys; from remanence.registry import names; names('text'); print(sorted(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "remanence.registry" in out
    assert "remanence.text.words" not in out
