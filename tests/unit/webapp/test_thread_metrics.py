"""docs/threads.md names what the threads' edge counts."""

from pathlib import Path

from webapp.api.threads import metrics

PAGE = (Path(__file__).parents[3] / "docs" / "threads.md").read_text(encoding="utf-8")


def test_the_page_has_each_metric_with_its_labels():
    made = [value for value in vars(metrics).values() if hasattr(value, "_labelnames")]
    assert made
    for metric in made:
        labels = f"{{{','.join(metric._labelnames)}}}" if metric._labelnames else ""
        name = metric._name if metric._type == "histogram" else f"{metric._name}_total"
        assert f"`{name}{labels}`" in PAGE
