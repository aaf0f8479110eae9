"""No committed file holds a key, a password or the path of somebody's home folder."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_BYTES = 300_000  # of a larger file, such as the weights of a model, only the beginning has text
ASSIGNED = (
    rb"""(?i:api[_-]?key|secret|passw(?:or)?d|token)["']?\s*[:=]\s*["'](?=[^"']*\d)[A-Za-z0-9+/_\-]{20,}={0,2}["']"""
)
KINDS = {
    "a home folder": rb"""(?:/home/|/Users/)[A-Za-z][\w.-]*/|(?<![\w.])/root/[\w.]|[A-Za-z]:\\{1,2}Users\\{1,2}\w""",
    "a private key": rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY",
    "a key of a cloud": rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{35}",
    "a token of a code host": rb"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{22}|\bglpat-[\w-]{20}",
    "a token of a model host": rb"\bhf_[A-Za-z]{34}\b|\bsk-(?:[a-z]+-)*[A-Za-z0-9]{20}",
    "a token of a package registry": rb"\bnpm_[A-Za-z0-9]{36}|\bpypi-AgE[\w-]{20}|_auth[T]oken",
    "a token of a chat": rb"\bxox[abprs]-[A-Za-z0-9-]{10}",
    "a signed token": rb"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.",
    "a password in an address": rb"\b[a-z]+://[^/\s:@'\"{}<]+:[^/\s@'\"{}<]+@",
    "a value that is named as secret": ASSIGNED,
}
NAMES = re.compile(r"(^|/)(\.env(\..*)?|\.netrc|\.pypirc|id_(rsa|dsa|ecdsa|ed25519)|[^/]*\.(pem|p12|pfx|keystore))$")
LETTERS = "Ab1" * 20
EXAMPLES = [
    ("a home folder", "/home" + "/anna/model"),
    ("a home folder", "/Users" + "/anna/model"),
    ("a home folder", "'/root" + "/.cache'"),
    ("a home folder", "C:\\Users" + "\\anna"),
    ("a private key", "-----BEGIN RSA" + " PRIVATE KEY-----"),
    ("a key of a cloud", "AKIA" + "ABCDEFGH12345678"),
    ("a key of a cloud", "AIza" + LETTERS[:35]),
    ("a token of a code host", "ghp_" + LETTERS[:36]),
    ("a token of a model host", "hf_" + "ab" * 17),
    ("a token of a model host", "sk-proj-" + LETTERS[:30]),
    ("a token of a package registry", "npm_" + LETTERS[:36]),
    ("a token of a chat", "xoxb-" + LETTERS[:20]),
    ("a signed token", ".".join(["eyJ" + LETTERS[:20]] * 2) + ".x"),
    ("a password in an address", "https://anna:" + "word@example.org/"),
    ("a value that is named as secret", 'api_key = "' + LETTERS[:24] + '"'),
]  # fmt: skip


def kinds_in(content):
    """Returns the kinds of secrets that bytes hold."""
    return [kind for kind, pattern in KINDS.items() if re.search(pattern, content)]


def committed_files():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("kind, text", EXAMPLES)
def test_a_secret_is_recognised(kind, text):
    assert kinds_in(f"before {text}\nafter".encode()) == [kind]


@pytest.mark.parametrize("name", [".env", "keys/id_rsa", "server.pem", ".pypirc"])
def test_a_file_for_secrets_is_recognised(name):
    assert NAMES.search(name)


def test_no_secret_and_no_home_folder_is_committed():
    files = committed_files()
    assert len(files) > 300
    found = {name: ["a file for secrets"] for name in files if NAMES.search(name)}
    for name in files:
        with (ROOT / name).open("rb") as file:
            if kinds := kinds_in(file.read(MOST_BYTES)):
                found[name] = kinds
    assert not found, found
