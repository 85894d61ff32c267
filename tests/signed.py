"""Certificates for tests, signed by an authority that was made for them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = "DNS:localhost,DNS:docker-model-runner,IP:127.0.0.1,IP:::1"
"""For whom a runner's own certificates are."""


@dataclass(frozen=True)
class Signed:
    """Files in PEM: who signed, the certificate, and its key."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def pair(self) -> tuple[Path, Path]:
        """What a server needs."""
        return self.certificate, self.key


def sign(folder: Path, names: str = NAMES, days: int = 30) -> Signed:
    """A certificate for `names` that is good for so many days; with fewer than 0 it is over."""
    signed = Signed(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    config, request, authority_key = folder / "cnf", folder / "server.csr", folder / "ca.key"
    config.write_text(
        "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=for tests\n"
        "[ca]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n"
        "subjectKeyIdentifier=hash\n"
        f"[server]\nsubjectAltName={names}\nauthorityKeyIdentifier=keyid\n"
    )
    new = ["req", "-config", config, "-newkey", "rsa:2048", "-nodes", "-sha256"]
    _openssl(
        *[*new, "-x509", "-days", "30", "-extensions", "ca", "-subj", "/CN=the authority"],
        *["-keyout", authority_key, "-out", signed.authority],
    )
    _openssl(*new, "-keyout", signed.key, "-out", request)
    _openssl(
        *["x509", "-req", "-sha256", "-in", request, "-days", days, "-set_serial", "2"],
        *["-CA", signed.authority, "-CAkey", authority_key],
        *["-extfile", config, "-extensions", "server", "-out", signed.certificate],
    )
    return signed


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
