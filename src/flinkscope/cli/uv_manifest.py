"""``flinkscope uv manifest``: the job for the Flink Kubernetes Operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flinkscope.cli.uv_run import given_options, job_options

if TYPE_CHECKING:
    from flinkscope.uv.manifest import Manifest


@click.command(
    "manifest",
    epilog="Example: flinkscope uv manifest --storage s3://bucket/uv --topic views --bootstrap-servers kafka:9092",
)
@click.option("--storage", required=True, metavar="URL", help="For checkpoints, savepoints and HA: s3://bucket/uv.")
@click.option("--claim", metavar="NAME", help="Volume claim that a file: storage is mounted from.")
@click.option("--name", default="daily-uv", show_default=True, help="Of the deployment.")
@click.option("--namespace", help="Where it goes; else where kubectl puts it.")
@click.option("--image", default="daily-uv:latest", show_default=True, help="Made by what --dockerfile prints.")
@click.option("--flink", default="2.3.0", show_default=True, help="Flink version.")
@click.option("--parallelism", type=click.IntRange(1, 32768), default=2, show_default=True, help="Of the job.")
@click.option("--slots", type=click.IntRange(1, 1024), default=2, show_default=True, help="Per TaskManager.")
@click.option("--page-views", default="10m", show_default=True, metavar="N", help="A day: decides the heap.")
@click.option("--live-set", metavar="SIZE", help="Of one TaskManager, measured: decides the heap instead.")
@click.option("--collector", default="G1", show_default=True, help="G1, Parallel, Serial, ZGC.")
@click.option("--cpu", type=click.FloatRange(0.1, 256), default=2.0, show_default=True, help="Per TaskManager.")
@click.option("--service-account", default="flink", show_default=True, help="That the operator's chart made.")
@click.option("--redis-secret", metavar="NAME", help="Secret whose key password is that of Redis.")
@click.option("--force", is_flag=True, help="Also what would die: cumulate with millions of keys.")
@click.option("--dockerfile", is_flag=True, help="Print the image's Dockerfile instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the resource, its sizes, the Dockerfile.")
@job_options
def command(**options: Any) -> None:
    """Prints the FlinkDeployment of the daily-UV job for the Flink Kubernetes Operator.

    Heap and process size come from the live set through Flink's own memory arithmetic, so what is printed starts.
    The job's options are those of flinkscope uv run.
    """
    made = _manifest(options)
    if options["as_json"]:
        _echo_json(made)
    elif options["dockerfile"]:
        click.echo(made.dockerfile, nl=False)
    else:
        click.echo(made.yaml(), nl=False)


def _manifest(options: dict[str, Any]) -> Manifest:
    from flinkscope.cli.size import size_bytes
    from flinkscope.cli.uv_events import count
    from flinkscope.uv.job import uv_job
    from flinkscope.uv.manifest import Wish, manifest

    same = (
        "storage", "claim", "name", "namespace", "image", "flink", "parallelism", "slots", "collector", "cpu",
        "service_account", "redis_secret",
    )  # fmt: skip
    wish = Wish(
        **{name: options[name] for name in same},
        page_views=count(options["page_views"]),
        live_set_bytes=None if options["live_set"] is None else size_bytes(options["live_set"]),
    )
    return manifest(uv_job(given_options(options), force=options["force"], local=False), wish)


def _echo_json(made: Manifest) -> None:
    from dataclasses import asdict

    from flinkscope.cli.show import echo_json
    from flinkscope.flink.memory_view import memory_document

    echo_json({
        "flink_deployment": made.document, "reasons": made.reasons, "target": asdict(made.target),
        "memory": memory_document(made.proposal.model, None), "dockerfile": made.dockerfile,
    })  # fmt: skip
