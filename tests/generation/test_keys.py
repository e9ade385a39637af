"""Which key may go where, and what may be said of one."""

import base64
from pathlib import Path

import pytest

from synthmix.errors import BadInput
from synthmix.generation.keys import Allowed, Masked, Server, config_file, key_for, permissions, remember, remembered

SECRET = "sk-Verysecret/123456+7"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYNTHMIX_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai-1234567")
    monkeypatch.setenv("MY_KEY", SECRET)
    monkeypatch.delenv("SYNTHMIX_ALLOW_KEYS", raising=False)


@pytest.mark.parametrize(
    ("server", "url", "expected"),
    [
        ("api.example.com", "https://api.example.com/v1", True),
        ("api.example.com", "https://API.example.com:443/v1", True),
        ("api.example.com", "http://api.example.com/v1", False),
        ("api.example.com", "https://api.example.com.evil.org/v1", False),
        ("api.example.com", "https://evil.org/api.example.com", False),
        ("api.example.com", "https://sub.api.example.com/v1", False),
        ("api.example.com", "https://api.example.com:8443/v1", False),
        ("api.example.com:8443", "https://api.example.com:8443/v1", True),
        ("http://gpu-1:8000", "http://gpu-1:8000/v1", True),
        ("http://gpu-1:8000", "https://gpu-1:8000/v1", False),
        ("gpu-1:8000", "http://gpu-1:8000/v1", False),
        ("localhost", "http://localhost:8000/v1", True),
        ("localhost:8000", "http://localhost:8001/v1", False),
        ("127.0.0.1:8000", "http://127.0.0.1:8000/v1", True),
        ("[::1]:8000", "http://[::1]:8000/v1", True),
    ],
)
def test_a_server_and_an_address(server: str, url: str, expected: bool) -> None:
    assert Server.parse(server).allows(url) == expected
    allowed = [Allowed.parse(f"MY_KEY@{server}", "test")]
    if expected:
        assert key_for(url, "MY_KEY", allowed) == SECRET
    else:
        with pytest.raises(BadInput):
            key_for(url, "MY_KEY", allowed)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://api.openai.com/v1", "sk-openai-1234567"),
        ("https://eu.api.openai.com/v1", "sk-openai-1234567"),
        ("http://localhost:8000/v1", None),
        ("http://gpu-1:8000/v1", None),
        ("http://api.openai.com/v1", None),
    ],
)
def test_openais_key_goes_to_openai_unless_more_is_allowed(url: str, key: str | None) -> None:
    assert key_for(url, None, ()) == key


@pytest.mark.parametrize(
    "url", ["https://api.example.com/v1", "https://api.openai.com.evil.org/v1", "https://evilapi.openai.com.org"]
)
def test_it_goes_to_no_other_host(url: str) -> None:
    with pytest.raises(BadInput, match="OPENAI_API_KEY may not be sent there: nobody allowed it"):
        key_for(url, None, ())


def test_permissions_of_the_environment_and_those_that_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert permissions() == ()
    path = remember([Allowed.parse("MY_KEY@api.example.com", "test")])
    remember([Allowed.parse("MY_KEY@api.example.com", "test"), Allowed.parse("B@http://gpu-1:8000", "test")])
    assert path == config_file()
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(map(str, remembered())) == ["MY_KEY@api.example.com", "B@http://gpu-1:8000"]
    monkeypatch.setenv("SYNTHMIX_ALLOW_KEYS", "C@c.org, D@d.org:99")
    assert list(map(str, permissions(["A@a.org"]))) == ["A@a.org", "C@c.org", "D@d.org:99", *map(str, remembered())]
    assert key_for("https://api.example.com/v1", "MY_KEY", permissions()) == SECRET


@pytest.mark.parametrize("text", ["api.example.com", "@api.example.com", "MY KEY@x", "K@ftp://x", "K@*", "K@", "K@a:b"])
def test_what_is_no_permission(text: str) -> None:
    with pytest.raises(BadInput, match=r"is not VARIABLE@SERVER; write EXAMPLE_KEY@"):
        permissions([text])


def test_a_damaged_configuration_and_one_that_others_may_write() -> None:
    path = config_file()
    path.parent.mkdir()
    for text in ("allow: MY_KEY@x", "- a", "{", "allow: [1]"):
        path.write_text(text)
        path.chmod(0o600)
        with pytest.raises(BadInput, match="allow: is not a list of permissions"):
            permissions()
    path.write_text("allow: [MY_KEY@api.example.com]")
    path.chmod(0o666)
    with pytest.raises(BadInput, match="others may write it; chmod 600"):
        permissions()


def test_every_form_of_a_key_is_masked() -> None:
    masked = Masked(SECRET)
    coded = base64.b64encode(SECRET.encode()).decode()
    said = f"{SECRET} {SECRET.upper()} {SECRET[::-1]} {SECRET.replace('/', '%2F').replace('+', '%2B')} {coded}"
    assert masked(said).replace("=", "") == "(key) (key) (key) (key) (key)"
    assert SECRET not in repr(masked)
    short = Masked("none")
    assert short("none of it: nonesuch") == "(key) of it: nonesuch"
    assert short.text("none of it") == "none of it"
    assert Masked(None)("nothing") == "nothing"
