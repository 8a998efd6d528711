"""The model card: what a model is, what it was made from and how good it is, for people."""

from typing import Any

from .record import Record, Scores, Spread


def model_card(record: Record) -> str:
    """The card as Markdown, with links to the pictures beside it."""
    target, rows = record.settings["target"], record.rows
    threshold = f" from a probability of {record.threshold:g} on" if record.threshold else ""
    positive = f", positive: `{target['positive']}`{threshold}" if target["task"] == "binary" else ""
    cells = score_cells(record.scores, record.spread, record.baseline)
    scores = "\n".join(f"| {' | '.join(line)} |" for line in cells)
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    features = ", ".join(f"`{name}` ({rules.type})" for name, rules in record.features.items())
    return f"""# Model card

Predicts `{target["column"]}` ({target["task"]}{positive}). Trained {record.trained}. {record.note}

- Data: {record.data.uri}, sha256 `{record.data.sha256}`
- Code: {code_line(record.code)}
- Rows: {rows["train"]} to train on, {rows["test"]} held out
- Features: {features}
- Made with: {versions}

## Scores on the rows held out

| score | value | 95 % of a bootstrap | always answering the same |
|---|---|---|---|
{scores}

![Errors](evaluation.png)

{slice_table(record.slices)}## What it leans on

![Permutation importance](importance.png)

## Not known from here

What the model is meant for and what it must not be used for, whom its errors hurt, and when it should be looked at
again: write it into docs/handover.md.
"""


def score_cells(scores: Scores, spread: Spread, baseline: Scores) -> list[tuple[str, str, str, str]]:
    """For each score its name, its value, its spread and that of the baseline, as texts; empty what is not known."""
    return [
        (
            name,
            f"{value:.4f}",
            "{:.4f} to {:.4f}".format(*ends) if (ends := spread.get(name)) else "",
            f"{baseline[name]:.4f}" if name in baseline else "",
        )
        for name, value in scores.items()
    ]


def score_lines(scores: Scores, spread: Spread, baseline: Scores) -> str:
    """The scores for the screen, one to a line."""
    cells = [("", "score", "95 % of a bootstrap", "always answering the same"), *score_cells(scores, spread, baseline)]
    return "\n".join(f"  {name:24} {value:8} {ends:20} {same}".rstrip() for name, value, ends, same in cells)


def code_line(code: dict[str, Any]) -> str:
    """The commit that made the model, and a warning where that is not the whole truth."""
    if code["commit"] is None:
        return str(code.get("problem", "not under version control"))
    return f"commit `{code['commit']}`" + (", with changes that were not committed" if code["changed"] else "")


def slice_table(slices: list[dict[str, Any]]) -> str:
    """The scores by slice as a section of the card; nothing if there are none."""
    if not slices:
        return ""
    lines = [
        "| " + " | ".join(f"{value:.4f}" if isinstance(value, float) else str(value) for value in line.values()) + " |"
        for line in slices
    ]
    head = "| " + " | ".join(slices[0]) + " |\n|" + "---|" * len(slices[0])
    return "## Scores by slice\n\n" + "\n".join([head, *lines]) + "\n\n"
