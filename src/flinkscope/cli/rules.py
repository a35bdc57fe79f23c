"""``flinkscope rules``: the knowledge offline."""

from __future__ import annotations

import click


@click.command(
    "rules",
    short_help="the rule book: every cause, with symptom, reason and remedy",
    epilog="Example: flinkscope rules R02",
)
@click.argument("rule_id", required=False)
@click.option("--json", "as_json", is_flag=True, help="JSON: id, title, severity, needs, thresholds, page.")
def command(rule_id: str | None, as_json: bool) -> None:
    """Lists the rules, or shows the page of one."""
    from flinkscope.cli.show import echo_json
    from flinkscope.diagnosis.rule import all_rules
    from flinkscope.errors import UsageError

    modules = [m for m in all_rules() if rule_id is None or m.rule.id.lower() == rule_id.lower()]
    if not modules:
        known = ", ".join(m.rule.id for m in all_rules())
        raise UsageError(f"there is no rule {rule_id}", hint=f"one of {known}")
    if as_json:
        echo_json(
            [
                {
                    "id": m.rule.id,
                    "title": m.rule.title,
                    "severity": m.rule.severity.value,
                    "needs": [list(group) for group in m.rule.needs],
                    "explains": list(m.rule.explains),
                    "thresholds": {name: [t.value, t.unit, t.source] for name, t in m.rule.thresholds.items()},
                    "page": m.page,
                }
                for m in modules
            ]
        )
    elif rule_id is None:
        for m in modules:
            click.echo(f"{m.rule.id}  {m.rule.severity.value:<9} {m.rule.title}")
    else:
        _show_page(modules[0].page)


def _show_page(page: str) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    console.width = min(console.width, 100)
    console.print(Markdown(page))
