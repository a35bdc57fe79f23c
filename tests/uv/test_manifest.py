"""The FlinkDeployment: fields that the operator knows, memory that starts, arguments that the job takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from flinkscope.cli.main import cli
from flinkscope.errors import UsageError
from flinkscope.flink.memory_model import memory_model
from flinkscope.flink.memory_size import parse_size
from flinkscope.flink.options import is_known
from flinkscope.uv.job import ENTRY_CLASS, uv_job
from flinkscope.uv.manifest import BYTES_A_VIEW, Wish, manifest

MIB = 1 << 20
KAFKA = {"topic": "views", "bootstrap-servers": "kafka:9092", "redis": "redis://redis:6379"}
S3 = "s3://bucket/uv"
# FlinkDeployment of flink-kubernetes-operator 1.13, helm/flink-kubernetes-operator/crds/*.yml
SPEC = {
    "image", "imagePullPolicy", "serviceAccount", "flinkVersion", "ingress", "podTemplate", "jobManager", "taskManager",
    "logConfiguration", "flinkConfiguration", "job", "restartNonce", "mode",
}  # fmt: skip
JOB = {
    "jarURI", "parallelism", "entryClass", "args", "state", "savepointTriggerNonce", "initialSavepointPath",
    "checkpointTriggerNonce", "upgradeMode", "allowNonRestoredState", "savepointRedeployNonce", "autoscalerResetNonce",
}  # fmt: skip


def made(*words: str) -> Result:
    words = ("uv", "manifest", "--storage", S3, *(w for n, v in KAFKA.items() for w in (f"--{n}", v)), *words)
    return CliRunner().invoke(cli, words, standalone_mode=False)


def test_the_resource_is_one_that_the_operator_takes() -> None:
    shown = made("--name", "uv", "--namespace", "shop", "--parallelism", "5", "--slots", "2")
    document = yaml.safe_load(shown.stdout)
    assert (document["apiVersion"], document["kind"]) == ("flink.apache.org/v1beta1", "FlinkDeployment")
    assert document["metadata"] == {"name": "uv", "namespace": "shop"}
    spec = document["spec"]
    assert set(spec) <= SPEC
    assert set(spec["job"]) <= JOB
    assert spec["flinkVersion"] == "v2_3"
    assert (spec["job"]["upgradeMode"], spec["job"]["state"], spec["job"]["parallelism"]) == ("savepoint", "running", 5)
    assert spec["job"]["entryClass"] == ENTRY_CLASS
    assert spec["job"]["jarURI"].startswith("local:///opt/flink/usrlib/")
    assert all(isinstance(value, str) for value in spec["flinkConfiguration"].values()), "YAML must not guess types"
    assert all(set(spec[role]["resource"]) == {"memory", "cpu"} for role in ("jobManager", "taskManager"))
    assert shown.stdout.startswith("# live set")
    assert all(len(line) <= 100 for line in shown.stdout.splitlines())
    assert json.loads(made("--name", "uv", "--json").stdout)["flink_deployment"]["kind"] == "FlinkDeployment"


def test_every_key_is_an_option_of_that_flink() -> None:
    keys = yaml.safe_load(made().stdout)["spec"]["flinkConfiguration"]
    assert [key for key in keys if not is_known(key, "2.3.0")] == []


@pytest.mark.parametrize("views", [100_000, 10_000_000, 200_000_000])
@pytest.mark.parametrize("design", ["bucket", "quiet"])
@pytest.mark.parametrize("parallelism", [1, 4])
def test_what_is_printed_starts_and_holds_the_heap(views: int, design: str, parallelism: int) -> None:
    wish = Wish(S3, page_views=views, parallelism=parallelism, slots=1)
    found = manifest(uv_job({**KAFKA, "design": design}, local=False), wish)
    spec = found.document["spec"]
    config = {
        **spec["flinkConfiguration"],
        "taskmanager.memory.process.size": spec["taskManager"]["resource"]["memory"],
    }
    model = memory_model(config, "taskmanager", "2.3.0")
    live_bytes = 64 * MIB + BYTES_A_VIEW[design] * -(-views // parallelism)
    assert found.target.live_set_bytes == live_bytes
    assert model.heap_bytes >= found.target.heap_bytes
    assert found.target.capped or found.target.heap_bytes * 100 == live_bytes * 250 // 100 * 100
    assert model.managed_bytes == 0
    memory_model({"jobmanager.memory.process.size": spec["jobManager"]["resource"]["memory"]}, "jobmanager", "2.3.0")


def test_state_beside_the_heap_needs_managed_memory_and_a_heap_that_does_not_grow() -> None:
    sizes = set()
    for views in ("1m", "1000m"):
        document = json.loads(made("--design", "group", "--page-views", views, "--json").stdout)
        spec = document["flink_deployment"]["spec"]
        assert spec["flinkConfiguration"]["state.backend.type"] == "rocksdb"
        assert "taskmanager.memory.managed.size" not in spec["flinkConfiguration"]
        sizes.add(spec["taskManager"]["resource"]["memory"])
    assert len(sizes) == 1


def test_a_measured_live_set_decides() -> None:
    document = json.loads(made("--live-set", "800m", "--collector", "Parallel", "--json").stdout)
    assert document["target"]["heap_bytes"] == 2400 * MIB
    assert parse_size(document["flink_deployment"]["spec"]["taskManager"]["resource"]["memory"]) > 2400 * MIB
    assert "env.java.opts.taskmanager" not in document["flink_deployment"]["spec"]["flinkConfiguration"]


def test_the_job_takes_its_arguments_back() -> None:
    document = yaml.safe_load(made("--key", "categoryId", "--zone", "Europe/Berlin", "--redis-secret", "redis").stdout)
    words = document["spec"]["job"]["args"]
    given = {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}
    assert (given["key"], given["zone"], given["topic"]) == ("categoryId", "Europe/Berlin", "views")
    mounts = document["spec"]["podTemplate"]["spec"]["containers"][0]["volumeMounts"]
    assert given["redis-password-file"] == f"{mounts[0]['mountPath']}/password"
    again = uv_job(given, local=False)
    assert sorted(again.arguments()[::2]) == sorted(words[::2])
    assert (again["key"], again["design"], again["sink"]) == ("categoryId", "bucket", "redis")


def test_a_volume_claim_for_storage_in_files() -> None:
    words = ("uv", "manifest", "--storage", "file:///data/uv", "--topic", "t", "--bootstrap-servers", "k:9092")
    refused = CliRunner().invoke(cli, words, standalone_mode=False)
    assert isinstance(refused.exception, UsageError)
    shown = CliRunner().invoke(cli, [*words, "--claim", "uv"], standalone_mode=False)
    pod = yaml.safe_load(shown.stdout)["spec"]["podTemplate"]["spec"]
    assert pod["volumes"] == [{"name": "storage", "persistentVolumeClaim": {"claimName": "uv"}}]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "storage", "mountPath": "/data"}]
    assert pod["containers"][0]["name"] == "flink-main-container"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--redis", "redis://me:geheim@redis"), "password"),
        (("--name", "Daily_UV"), "deployment"),
        (("--zone", "Asia/Shangai"), "time zone"),
        (("--design", "cumulate"), "cumulate"),
        (("--live-set", "lots"), "size"),
    ],
)
def test_what_cannot_be(words: tuple[str, ...], message: str) -> None:
    refused = made(*words)
    assert isinstance(refused.exception, UsageError)
    assert message in refused.exception.message
    assert "geheim" not in refused.exception.message


def test_the_dockerfile_has_what_the_job_needs() -> None:
    text = made("--dockerfile").stdout
    assert text.startswith("FROM flink:2.3.0-java17\n")
    assert "flink-sql-connector-kafka" in text
    assert "--checksum=sha256:" in text
    assert "flink-s3-fs-presto-2.3.0.jar" in text


def test_the_estimate_is_no_less_than_what_was_measured() -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "results" / "uv.json"
    if not path.is_file():
        pytest.skip("benchmarks/results/uv.json is not there yet: benchmarks/uv/measure.py writes it")
    results = json.loads(path.read_text())
    rows = [row for part in ("designs", "designs-in-more", "ten-million") for row in results.get(part, {}).values()]
    checked = 0
    for row in rows:
        design, backend = row["name"].split()[0], row["name"].split()[-1]
        if row["live_bytes"] is None or backend in ("rocksdb", "forst") or design not in BYTES_A_VIEW:
            continue
        views = row["rows"] * 895 // 1000
        assert 64 * MIB + BYTES_A_VIEW[design] * views >= row["live_bytes"], row["name"]
        checked += 1
    assert checked >= 1
