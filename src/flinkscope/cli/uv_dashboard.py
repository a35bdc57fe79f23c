"""``flinkscope uv dashboard``: the job in Grafana."""

from __future__ import annotations

import click


@click.command("dashboard", epilog="Example: flinkscope uv dashboard > daily-uv.json")
@click.option("--json", is_flag=True, expose_value=False, help="As without: it is JSON.")
def command() -> None:
    """Prints the Grafana dashboard of the daily-UV job (Dashboards, New, Import).

    Its figures are those of flinkscope watch http://jobmanager:8081 --prometheus 9464: page views, keys, late and
    malformed rows, watermark, checkpoint size, live set, time to out of memory.
    """
    from flinkscope.watch.prometheus import dashboard

    click.echo(dashboard("uv"), nl=False)
