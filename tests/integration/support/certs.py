# SPDX-License-Identifier: Apache-2.0
"""Certificates made for one test by openssl(1): an authority, and what it signs."""

import subprocess


class Authority:
    def __init__(self, home, name):
        self.home = home
        self.cert = home / f"{name}.pem"
        self.key = home / f"{name}.key"
        self.run("req", "-x509", *self.new_key(self.key), "-days", "2", "-subj", f"/CN={name}",
                 "-out", str(self.cert))

    @staticmethod
    def run(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    @staticmethod
    def new_key(path):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                str(path))

    def sign(self, name, days=2, extensions="subjectAltName=DNS:localhost\n"):
        """The paths of a certificate, for localhost unless the extensions say otherwise, and of its
        key.  `days` below 0: it has expired."""
        cert, key = self.home / f"{name}.pem", self.home / f"{name}.key"
        self.run("req", *self.new_key(key), "-subj", f"/CN={name}", "-out", str(cert) + ".csr")
        names = self.home / "names.ext"
        names.write_text(extensions)
        self.run("x509", "-req", "-in", str(cert) + ".csr", "-CA", str(self.cert), "-CAkey",
                 str(self.key), "-CAcreateserial", "-days", str(days), "-extfile", str(names), "-out",
                 str(cert))
        return cert, key
