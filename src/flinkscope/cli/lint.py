"""``flinkscope lint``: what is wrong, ignored or about to bite in a Flink configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flinkscope.cli.config_source import ConfigChoice, choose_config, config_options

if TYPE_CHECKING:
    from flinkscope.flink.lint_subject import LintFinding
    from flinkscope.flink.lint_upgrade import Upgrade


@click.command("lint")
@config_options
@click.option("--upgrade-to", metavar="VERSION", help="Compare: what this configuration means in that version.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    default="warning",
    show_default=True,
    help="Exit with 1 from this severity on.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(upgrade_to: str | None, fail_on: str, as_json: bool, **source: Any) -> None:
    """Checks a Flink configuration: misspelt and ignored keys, flags that fight, idle memory, missing evidence.

    \b
    Examples:
      flinkscope lint conf/config.yaml
      flinkscope lint conf/flink-conf.yaml --flink 1.16 --upgrade-to 1.20
      flinkscope lint deployment.yaml --fail-on error
    """
    from flinkscope.flink.lint import lint
    from flinkscope.flink.lint_subject import SEVERITIES
    from flinkscope.flink.lint_upgrade import upgrade

    choice = choose_config(**source)
    role = choice.role if source["role"] else None
    findings = lint(choice.source, choice.flink, role=role, launcher=choice.launcher)
    change = upgrade(choice.source, choice.flink, upgrade_to, choice.launcher) if upgrade_to else None
    if as_json:
        _echo_json(choice, findings, change)
    else:
        _show(choice, findings, change)
    worst = min((SEVERITIES.index(finding.severity) for finding in findings), default=len(SEVERITIES))
    failing = fail_on != "never" and worst <= SEVERITIES.index(fail_on)
    if failing or (change is not None and change.changes_anything and fail_on != "never"):
        raise click.exceptions.Exit(1)


def _show(choice: ConfigChoice, findings: tuple[LintFinding, ...], change: Upgrade | None) -> None:
    from flinkscope.cli.main import printable

    assumed = " (assumed, say --flink)" if choice.flink_assumed else ""
    click.echo(printable(f"{choice.title} for Flink {choice.flink}{assumed}\n"))
    for finding in findings:
        click.echo(_wrapped(f"{finding.severity:<8}{_where(finding)}", finding.message))
        for key, value in finding.changes.items():
            click.echo(printable(f"            {'- ' + key if value is None else f'+ {key}: {value}'}"))
    counts = [f"{sum(f.severity == s for f in findings)} {s}(s)" for s in ("error", "warning", "info")]
    click.echo(("\n" if findings else "") + (", ".join(counts) if findings else "Nothing found."))
    if change is not None:
        _show_upgrade(change)


def _show_upgrade(change: Upgrade) -> None:
    from flinkscope.cli.main import printable
    from flinkscope.units import human_bytes

    click.echo(f"\nUpgrade from Flink {change.flink} to {change.upgrade_to}")
    for effect in change.effects:
        click.echo(f"\n  {effect.role:<24}{change.flink:>14}{change.upgrade_to:>14}{'difference':>16}")
        for version, texts in ((change.flink, effect.refused_before), (change.upgrade_to, effect.refused_after)):
            if texts:
                click.echo(_wrapped(f"  Flink {version} refuses it:", texts[-1]))
        for row in effect.changes:
            more = row.after_bytes - row.before_bytes
            sign = "=" if more == 0 else f"{'+' if more > 0 else '−'}{human_bytes(abs(more))}"
            click.echo(
                f"  {row.part:<24}{human_bytes(row.before_bytes):>14}{human_bytes(row.after_bytes):>14}{sign:>16}"
            )
    for key, new in change.lost_keys:
        click.echo(printable(f"\n  {key} is not read any more" + (f"; now {new}" if new else "")))
    for key in change.gained_keys:
        click.echo(printable(f"\n  {key} is read from now on; Flink {change.flink} ignores it"))
    for note in change.notes:
        click.echo(_wrapped("  note:", note))
    if not change.changes_anything and not any(effect.refused_after for effect in change.effects):
        click.echo("\n  The configuration means the same in both versions.")


def _wrapped(head: str, text: str) -> str:
    import textwrap

    from flinkscope.cli.main import printable

    return textwrap.fill(printable(f"{head} {text}"), 100, subsequent_indent="          ", break_long_words=False)


def _where(finding: LintFinding) -> str:
    line = f":{finding.place.line}" if finding.place.line is not None else ""
    return f"[{finding.rule}]{' line ' + line[1:] if line else ''}"


def _echo_json(choice: ConfigChoice, findings: tuple[LintFinding, ...], change: Upgrade | None) -> None:
    from flinkscope.cli.show import echo_json

    echo_json(
        {
            "source": choice.title,
            "flink": choice.flink,
            "findings": [
                {
                    "rule": f.rule,
                    "severity": f.severity,
                    "message": f.message,
                    "place": {"source": f.place.source, "line": f.place.line, "key": f.place.key},
                    "changes": f.changes,
                }
                for f in findings
            ],
            "upgrade": None if change is None else _upgrade_document(change),
        }
    )


def _upgrade_document(change: Upgrade) -> dict[str, Any]:
    return {
        "from": change.flink,
        "to": change.upgrade_to,
        "effects": [
            {
                "role": effect.role,
                "refused_before": list(effect.refused_before),
                "refused_after": list(effect.refused_after),
                "parts": [
                    {"part": c.part, "before_bytes": c.before_bytes, "after_bytes": c.after_bytes}
                    for c in effect.changes
                ],
            }
            for effect in change.effects
        ],
        "gained_keys": list(change.gained_keys),
        "lost_keys": [{"key": key, "new_key": new or None} for key, new in change.lost_keys],
        "notes": list(change.notes),
    }
