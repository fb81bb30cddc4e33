"""Certificates for tests, made by the openssl tool in a temporary directory."""

import pathlib
import subprocess
import tempfile


class Pki:
    """A root and what it has signed. `folder / "NAME.crt"` and `.key` are PEM."""

    def __init__(self, name="test root"):
        self.temporary = tempfile.TemporaryDirectory(prefix="tg-pki-")
        self.folder = pathlib.Path(self.temporary.name)
        self.run("req", "-x509", *self.curve, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2",
                 "-subj", f"/CN={name}")

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

    def run(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def issue(self, name, names="", days="2"):
        """`names`: "DNS:a.test,IP:127.0.0.1". Returns the paths of certificate and key."""
        extension = f"subjectAltName={names}" if names else "basicConstraints=CA:FALSE"
        (self.folder / "ext").write_text(extension + "\n")
        self.run("req", *self.curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                 f"/CN={name}")
        self.run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                 "-CAcreateserial", "-out", f"{name}.crt", "-days", days, "-extfile", "ext")
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    def text(self, name):
        return (self.folder / name).read_text()

    def trust_store(self, kind, path, password="changeit"):
        """The root as a store of keytool; `kind` is JKS or PKCS12."""
        subprocess.run(["keytool", "-importcert", "-noprompt", "-storetype", kind, "-keystore",
                        str(path), "-storepass", password, "-alias", "ca", "-file", "ca.crt"],
                       cwd=self.folder, check=True, capture_output=True)
        return path

    def close(self):
        self.temporary.cleanup()
