"""Secrets stay out of a case, in whatever form they stand; what a diagnosis needs stays in."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from flinkscope.redaction import MASK, is_sensitive, redact_arguments, redact_json, redact_text, redact_yaml

CONFIG = """\
taskmanager:
  memory:
    process:
      size: 1728m
s3.access-key: AKIAGEHEIM
s3:
  secret-key: "geheim # nicht"
fs.azure.account.key.store.blob.core.windows.net: geheim==
security.ssl.internal.keystore: /opt/keystore.jks
security.ssl.internal.keystore-password: geheim
passwords:
- geheim1
- geheim2
token: |
  geheim3
  geheim4
env.java.opts: -Xlog:gc -Djavax.net.ssl.trustStorePassword=geheim -XX:+UseG1GC
# old password: geheim
high-availability.storageDir: s3://user:geheim@bucket/ha
state.backend.type: hashmap
security.delegation.tokens.enabled: true
"""


def test_a_configuration_keeps_what_is_no_secret() -> None:
    shown = redact_yaml(CONFIG)
    assert "geheim" not in shown.lower()
    document = yaml.safe_load(shown)
    assert document["taskmanager"]["memory"]["process"]["size"] == "1728m"
    assert document["s3.access-key"] == document["s3"]["secret-key"] == document["token"] == MASK
    assert document["passwords"] == MASK
    assert document["security.ssl.internal.keystore"] == "/opt/keystore.jks"
    assert document["security.delegation.tokens.enabled"] is True
    assert document["env.java.opts"] == f"-Xlog:gc -Djavax.net.ssl.trustStorePassword={MASK} -XX:+UseG1GC"
    assert document["high-availability.storageDir"] == f"s3://user:{MASK}@bucket/ha"


def test_arguments_json_and_text() -> None:
    words = ("java", "-Ds3.secret-key=geheim", "-D", "my.api-key=geheim", "--token", "geheim", "--configDir", "/conf")
    shown = redact_arguments(words)
    assert "geheim" not in " ".join(shown)
    assert shown[-2:] == ("--configDir", "/conf")
    document = {"password": "geheim", "options": [{"key": "s3.secret-key", "value": "geheim"}],
                "jvm": {"options": ["-Da.password=geheim", "-Xmx1g"]}, "auth": "Bearer geheim123"}  # fmt: skip
    assert "geheim" not in str(redact_json(document))
    assert redact_json(document)["jvm"]["options"][1] == "-Xmx1g"
    log = "INFO connected to jdbc:mysql://root:geheim@db/x with password='geheim', keyBy(user) key=user7 in 3 ms"
    assert redact_text(log) == f"INFO connected to jdbc:mysql://root:{MASK}@db/x with password={MASK}, " \
                               "keyBy(user) key=user7 in 3 ms"  # fmt: skip


def test_what_counts_as_secret() -> None:
    for key in ("password", "S3.SECRET-KEY", "my.token", "fs.azure.account.key.x", "kafka.sasl.jaas.config", "apiKey"):
        assert is_sensitive(key), key
    for key in ("taskmanager.memory.process.size", "keyed.state", "security.ssl.keystore", "parallelism.default"):
        assert not is_sensitive(key), key


@given(st.text(alphabet="abcXYZ019+/=_~!", min_size=6), st.sampled_from(("s3.secret-key", "db.password", "x.token")))
def test_no_secret_value_survives_in_any_form(secret: str, key: str) -> None:
    secret = f"S{secret}S"
    assert secret not in redact_yaml(f"{key}: {secret}\nnext: 1\n")
    assert secret not in redact_yaml(f'a:\n  {key}: "{secret}"\n')
    assert secret not in " ".join(redact_arguments((f"-D{key}={secret}", "-D", f"{key}={secret}")))
    assert secret not in str(redact_json([{"key": key, "value": secret}, {key: secret}]))


@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    redact_text(text)
    assert len(redact_yaml(text).splitlines()) <= len(text.splitlines())
