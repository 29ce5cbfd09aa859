"""The Grafana dashboard of the city, made by the Grafana Foundation SDK: `scripts/generate` writes deploy/grafana/city.json.

Adding a panel: one line in ROWS. The SDK drops keys that it does not know without a word, and an unpinned one makes
dashboards of Grafana 10.1: its version is pinned in pyproject.toml.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueGraphMode, DataSourceRef
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, Threshold, ThresholdsMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

GREEN, YELLOW, RED, BLUE = "#2fb890", "#f2b632", "#ff7340", "#74aeff"
WHOLE = 24


class Panel(NamedTuple):
    """One panel: what it shows, its queries with their legends, how wide (of 24) and in which unit; `red_from` colours a figure."""

    kind: str
    title: str
    says: str
    queries: Sequence[tuple[str, str]]
    width: int
    unit: str = "short"
    red_from: float | None = None


ROWS: dict[str, Sequence[Panel]] = {
    "Kota sekarang / The city now": (
        Panel("stat", "Gangguan / Incidents", "Open incidents.", [("sum(pantau_incident_open) or vector(0)", "")], 4, red_from=1),
        Panel("stat", "Situs mati / Sites down", "", [('sum(pantau_sites{condition=~"down|shadowed"})', "")], 4, red_from=1),
        Panel("stat", "Aplikasi mati / Applications down", "", [('sum(pantau_apps{condition=~"down|shadowed"})', "")], 4, red_from=1),
        Panel("stat", "Tidak diketahui / Unknown", "Sites and applications.",
              [('sum({__name__=~"pantau_(sites|apps)",condition="unknown"})', "")], 4, red_from=1),
        Panel("stat", "Belum pernah menjawab / Never answered", "Most often a mistyped address.", [('pantau_checks{status="new"}', "")], 4),
        Panel("stat", "Kabar tertahan / Pages owed", "Decided and not yet delivered.", [("sum(pantau_pages_owed)", "")], 4, red_from=1),
        Panel("table", "Gangguan berjalan / Open incidents", "How long each is open.",
              [("sort_desc(time() - pantau_incident_opened_timestamp_seconds)", "")], 12, "s"),
        Panel("table", "Situs yang tidak menjawab / Sites that do not answer", "", [("pantau_site_up == 0", "")], 12),
    ),
    "Situs dan jalur / Sites and links": (
        Panel("time", "Situs menurut keadaan / Sites by condition", "", [("pantau_sites", "{{condition}}")], 12),
        Panel("time", "Situs menjawab per kecamatan / Sites that answer", "",
              [('avg by (kecamatan) (pantau_site_up{kecamatan!=""})', "{{kecamatan}}")], 12, "percentunit"),
        Panel("time", "Waktu jawab terlambat / Slowest sites", "The ten slowest round trips.",
              [('topk(10, pantau_check_rtt_seconds{kind="icmp"})', "{{node}}")], 12, "s"),
        Panel("time", "Paket hilang / Packets lost", "The ten worst over ten minutes.",
              [("topk(10, avg_over_time(pantau_check_loss_ratio[10m]))", "{{node}}")], 12, "percentunit"),
        Panel("time", "Pusat, ISP, internet / Backbone", "1 answers, 0 does not.", [("pantau_backbone_up", "{{node}}")], 12),
        Panel("time", "Jalur cadangan / Watched links", "1 answers, 0 does not.", [("pantau_link_up", "{{link}}")], 12),
    ),
    "Aplikasi / Applications": (
        Panel("time", "Menjawab / Answering", "1 answers as it should, 0 does not.", [("pantau_app_up", "{{app}}")], 12),
        Panel("time", "Waktu jawab / Response time", "", [('pantau_check_rtt_seconds{kind="http"}', "{{node}}")], 12, "s"),
        Panel("table", "Ketersediaan 7 hari / Availability over 7 days", "Of the time in which it was known.",
              [("sort(avg_over_time(pantau_app_up[7d]))", "")], WHOLE, "percentunit"),
    ),
    "Pantau sendiri / Pantau itself": (
        Panel("time", "Pemeriksaan / Looks", "A second, by verdict.",
              [("sum by (verdict) (rate(pantau_check_looks_total[5m]))", "{{verdict}}")], 8, "cps"),
        Panel("time", "Pengiriman / Deliveries", "An hour, by channel and result.",
              [("sum by (channel, result) (increase(pantau_deliveries_total[1h]))", "{{channel}} {{result}}")], 8),
        Panel("time", "Keterlambatan / Lateness", "How late the loop was, and 99 of 100 looks at most.",
              [("pantau_loop_lag_seconds", "lag"),
               ("histogram_quantile(0.99, rate(pantau_look_delay_seconds_bucket[5m]))", "p99")], 8, "s"),
        Panel("time", "CPU", "Of one core.", [('rate(process_cpu_seconds_total{job="pantau"}[5m])', "CPU")], 6, "percentunit"),
        Panel("time", "Memori / Memory", "", [('process_resident_memory_bytes{job="pantau"}', "resident")], 6, "bytes"),
        Panel("time", "Jurnal / Journal", "", [("pantau_journal_bytes", "journal")], 6, "bytes"),
        Panel("time", "Diabaikan / Ignored events", "An hour, by what was wrong.",
              [("increase(pantau_engine_ignored_total[1h])", "{{event}}")], 6),
    ),
}  # fmt: skip


def dashboard_json() -> str:
    """Return the whole dashboard as JSON; its data source is chosen at the top of the page."""
    city = (
        dashboard.Dashboard("Pantau: kota / the city")
        .uid("pantau-city")
        .tags(["pantau"])
        .refresh("15s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus"))
    )
    for title, panels in ROWS.items():
        city = city.with_row(dashboard.Row(title))
        for panel in panels:
            city = city.with_panel(_panel(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(city.build())


def _panel(panel: Panel) -> Any:  # noqa: ANN401 - the SDK has no types
    made = _KINDS[panel.kind](panel)
    made = made.title(panel.title).description(panel.says).unit(panel.unit).span(panel.width).height(4 if panel.kind == "stat" else 8)
    made = made.datasource(DataSourceRef(type_val="prometheus", uid="${source}"))
    for number, (query, legend) in enumerate(panel.queries):
        made = made.with_target(_query(panel.kind, query, legend, "ABCDEF"[number]))
    return made


def _query(kind: str, query: str, legend: str, name: str) -> Any:  # noqa: ANN401 - the same
    asked = prometheus.Dataquery().ref_id(name).expr(query).legend_format(legend or "__auto")
    if kind == "time":
        return asked.range()
    return asked.instant().format(PromQueryFormat.TABLE if kind == "table" else PromQueryFormat.TIME_SERIES)


def _stat(panel: Panel) -> Any:  # noqa: ANN401 - the same
    red = [] if panel.red_from is None else [Threshold(value=panel.red_from, color=RED)]
    calm = BLUE if panel.red_from is None else GREEN
    steps = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(value=None, color=calm), *red])
    return stat.Panel().thresholds(steps).color_mode(BigValueColorMode.BACKGROUND_SOLID).graph_mode(BigValueGraphMode.NONE)


def _table(_panel: Panel) -> Any:  # noqa: ANN401 - the same
    return table.Panel()


def _time(_panel: Panel) -> Any:  # noqa: ANN401 - the same
    return timeseries.Panel().fill_opacity(8).min(0)


_KINDS = {"stat": _stat, "table": _table, "time": _time}
