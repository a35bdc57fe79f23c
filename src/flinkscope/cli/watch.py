"""``flinkscope watch``: how full Flink processes are, when they run out, and who is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flinkscope.errors import UsageError

if TYPE_CHECKING:
    from flinkscope.watch.alerts import Alert
    from flinkscope.watch.endpoint import MetricsServer
    from flinkscope.watch.watcher import Rescue, Source, Watcher

_CLEAR = "\x1b[H\x1b[2J"


@click.command(
    "watch",
    short_help="live set, metaspace, RSS, watermarks; time to out of memory; alerts",
    epilog="Example: flinkscope watch http://jobmanager:8081 4711 --prometheus 9464 --collect-before-oom cases/",
)
@click.argument("targets", nargs=-1)
@click.option("--flink", "machine", is_flag=True, help="All Flink processes of this machine, also later ones.")
@click.option("-l", "--selector", help="Pods with these labels (app=flink,component=taskmanager).")
@click.option("-n", "--namespace", help="Of pods.")
@click.option("-c", "--container", help="Of pods.")
@click.option("--context", help="Of kubectl.")
@click.option("--interval", type=click.FloatRange(0.1), default=2.0, show_default=True, help="Seconds between looks.")
@click.option("--rounds", type=click.IntRange(0), default=0, help="End after so many looks (0: never).")
@click.option("--alert", "alerts", multiple=True, metavar="RULE", help="'live_set_share > 80%'; replaces the defaults.")
@click.option("--fail-fast", is_flag=True, help="End with exit code 1 at the first alert.")
@click.option("--webhook", metavar="URL", help="Post each alert there as JSON, when it fires and when it clears.")
@click.option("--prometheus", type=click.IntRange(0, 65535), metavar="PORT", help="Serve metrics for Prometheus.")
@click.option("--metrics-address", default="127.0.0.1", show_default=True, help="Where --prometheus listens.")
@click.option("--metrics-token", envvar="FLINKSCOPE_METRICS_TOKEN", default="",
              help="Bearer token that a scrape must bring; needed on any other address.")  # fmt: skip
@click.option(
    "--collect-before-oom", "cases", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
    help="Record a case of a process of this machine, once, when its end comes near.",
)  # fmt: skip
@click.option("--collect-within", default=600, show_default=True, metavar="S", help="How near: seconds.")
@click.option("--heap", is_flag=True, help="With a heap dump in that case (stops the process for it).")
@click.option("--timers-every", type=click.FloatRange(0), default=0, metavar="S",
              help="Count heap timers that often; stops the process for a walk over its heap.")  # fmt: skip
@click.option("--token", envvar="FLINKSCOPE_TOKEN", help="Bearer token for REST (or FLINKSCOPE_TOKEN).")
@click.option("--ca", "ca_file", type=click.Path(), help="The CA of REST addresses, PEM.")
@click.option("--insecure", is_flag=True, help="Trust any certificate of REST addresses.")
@click.option("--grafana", is_flag=True, help="Print the Grafana dashboard (JSON) and end.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each target and alert.")
def command(targets: tuple[str, ...], **options: Any) -> int:
    """Watches TARGETS: process ids, REST addresses (http://host:8081, a whole cluster), pods ([NAMESPACE/]NAME).

    Nothing is sent to a process; its counters are read. Ends with 1 if an alert has fired. Restarts are survived.
    """
    from flinkscope.watch.alerts import DEFAULT_RULES, AlertBook, parse_rule
    from flinkscope.watch.watcher import Watcher
    from flinkscope.watch.webhook import Webhook

    if options["grafana"]:
        from flinkscope.watch.prometheus import dashboard

        click.echo(dashboard(), nl=False)
        return 0
    book = AlertBook(parse_rule(text) for text in options["alerts"] or DEFAULT_RULES)
    hook = Webhook(options["webhook"]) if options["webhook"] else None
    tellers = [lambda alert: _tell(alert, options["as_json"]), *([hook.post] if hook else [])]
    watcher = Watcher(
        _sources(targets, options), book, interval_s=options["interval"], on_alert=tellers, rescue=_rescue(options)
    )
    server = _serve(watcher, options) if options["prometheus"] is not None else None
    try:
        _run(watcher, options)
    except KeyboardInterrupt:
        click.echo("", err=True)
    finally:
        if watcher.rescue is not None:
            watcher.rescue.finish()
            _tell_cases(watcher.rescue)
        if hook is not None:
            hook.close()
            if hook.failures:
                click.echo(f"webhook: {hook.failures} alerts not delivered: {hook.last_failure}", err=True)
        if server is not None:
            server.close()
    return 1 if book.ever_fired else 0


def _sources(targets: tuple[str, ...], options: dict[str, Any]) -> list[tuple[str, Source]]:
    from flinkscope.capture.target import target_of
    from flinkscope.sources.flink_rest import RestAccess
    from flinkscope.sources.kubectl import PodAddress
    from flinkscope.watch.process_source import MachineSource, ProcessSource

    every_s, found = options["timers_every"], list[tuple[str, "Source"]]()
    where = {key: options[key] for key in ("namespace", "container", "context")}
    every = [target_of(words, **where) for words in targets]
    for target in every:
        if target.pid is not None:
            found.append((f"pid {target.pid}", ProcessSource(target.pid, every_s)))
        elif target.url is not None:
            from flinkscope.watch.rest_source import RestSource

            access = RestAccess(token=options["token"], ca_file=options["ca_file"], verify=not options["insecure"])
            clusters = sum(other.url is not None for other in every)
            found.append((target.url, RestSource(target.url, access, clusters=clusters)))
        elif target.pod is not None:
            from flinkscope.watch.pod_source import PodSource

            found.append((f"pod {target.pod}", PodSource(target.pod)))
    if options["selector"]:
        from flinkscope.watch.pod_source import PodSource

        found.append((f"pods {options['selector']}", PodSource(PodAddress("any", **where), options["selector"])))
    if options["machine"]:
        found.append(("this machine", MachineSource(every_s)))
    if not found:
        raise UsageError("nothing to watch", hint="flinkscope watch PID, http://host:8081, a pod, or --flink")
    return found


def _rescue(options: dict[str, Any]) -> Rescue | None:
    from flinkscope.capture.collect import Wishes, collect
    from flinkscope.watch.watcher import Rescue

    if options["cases"] is None:
        return None
    options["cases"].mkdir(parents=True, exist_ok=True)
    wishes = Wishes(heap=options["heap"], stop_budget_ms=600_000 if options["heap"] else 2_000)

    def record(pid: int, path: Path) -> None:
        collect(str(pid), path, wishes)

    return Rescue(options["cases"], options["collect_within"], record)


def _serve(watcher: Watcher, options: dict[str, Any]) -> MetricsServer:
    from flinkscope.watch.prometheus import serve

    server = serve(watcher, options["prometheus"], options["metrics_address"], options["metrics_token"])
    click.echo(f"metrics: {server.url}", err=True)
    return server


def _run(watcher: Watcher, options: dict[str, Any]) -> None:
    import time

    taken = 0
    while True:
        watcher.round()
        _show(watcher, options["as_json"], plain=taken in (0, options["rounds"] - 1))
        taken += 1
        if taken == options["rounds"] or (options["fail_fast"] and watcher.book.ever_fired):
            return
        time.sleep(max(0.05, watcher.seconds_to_next()))


def _show(watcher: Watcher, as_json: bool, *, plain: bool) -> None:
    """``plain``: also where no terminal redraws it (the first and the last round)."""
    import json

    from flinkscope.watch.board import board, state_document

    if watcher.rescue is not None:
        _tell_cases(watcher.rescue)
    if as_json:
        newest = max((state.seen_ns for state in watcher.states.values()), default=0)
        for state in watcher.states.values():
            if state.seen_ns == newest:  # the others were not due
                click.echo(json.dumps(state_document(state), sort_keys=True))
    elif sys.stdout.isatty():
        text = board(watcher.states.values(), watcher.book.firing.values(), watcher.troubles())
        click.echo(_CLEAR + text)
    elif plain:
        click.echo(board(watcher.states.values(), watcher.book.firing.values(), watcher.troubles()))


def _tell_cases(rescue: Rescue) -> None:
    while rescue.told:
        click.echo(rescue.told.pop(0), err=True)


def _tell(alert: Alert, as_json: bool) -> None:
    import json
    import time

    from flinkscope.watch.webhook import alert_document

    if as_json:
        click.echo(json.dumps(alert_document(alert), sort_keys=True))
        return
    word = "ALERT" if alert.firing else "clear"
    clock = time.strftime("%H:%M:%S", time.localtime(alert.time_ns / 1e9))
    click.echo(
        f"{clock} {word} {alert.target}: {alert.rule.text} ({alert.rule.quantity} = {alert.value_text})", err=True
    )
