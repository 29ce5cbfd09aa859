import asyncio
import math
import re
import subprocess
from dataclasses import replace
from pathlib import Path

from exporters.metrics import METRICS, ROWS, SLICE, exposition, reference
from exporters.view import Figures, View
from monitor.core.belief import Belief
from tests.conftest import need
from tests.town import NOW, cut, cut_engine, engine_of, town, up, view_of

ROOT = Path(__file__).resolve().parent.parent


async def text_of(view: View) -> str:
    """Return all that Prometheus reads."""
    return b"".join([piece async for piece in exposition(view)]).decode()


async def samples(view: View) -> dict[str, float]:
    """Return the value of every sample by its name and labels, as Prometheus reads them."""
    lines = (await text_of(view)).splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


async def test_promtool_finds_nothing_to_complain_of() -> None:
    text = (
        await text_of(view_of(cut_engine(), figures=lambda: Figures(journal={"events": 7}, deliveries={("telegram", "ok"): 3})))
    ).encode()
    checked = subprocess.run([need("promtool"), "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


async def test_a_cut_kecamatan_and_what_is_behind_it_do_not_answer() -> None:
    read = await samples(view_of(cut_engine()))
    assert read['pantau_site_up{kecamatan="kec-gadingrejo",kind="kecamatan",site="kec-gadingrejo"}'] == 0
    assert read['pantau_site_up{kecamatan="kec-gadingrejo",kind="kelurahan",site="kel-a0"}'] == 0
    assert read['pantau_site_condition{condition="shadowed",kecamatan="kec-gadingrejo",kind="kelurahan",site="kel-a0"}'] == 1
    assert read['pantau_site_up{kecamatan="kec-purworejo",kind="kelurahan",site="kel-a1"}'] == 1
    assert read['pantau_sites{condition="down"}'] == 1
    assert read['pantau_sites{condition="shadowed"}'] == 4
    assert read['pantau_incident_open{cause="kec-gadingrejo",severity="critical"}'] == 1
    assert read['pantau_incident_sites_behind{cause="kec-gadingrejo",severity="critical"}'] == 4
    assert read['pantau_pages_owed{receiver="surel"}'] == 1
    assert read['pantau_pages_owed{receiver="tg-noc"}'] == 0
    assert read["pantau_pages_owed_oldest_timestamp_seconds"] == NOW - 600


async def test_what_is_not_known_has_no_up_sample_but_a_condition() -> None:
    engine = engine_of(town(), {"kel-a0/icmp": Belief(since=NOW), "kel-a1/icmp": up(NOW - 3600)})
    read = await samples(view_of(engine))
    assert not [name for name in read if name.startswith("pantau_site_up") and ("kel-a0" in name or "kel-a1" in name)]
    assert read['pantau_site_condition{condition="new",kecamatan="kec-gadingrejo",kind="kelurahan",site="kel-a0"}'] == 1
    assert read['pantau_site_condition{condition="unknown",kecamatan="kec-purworejo",kind="kelurahan",site="kel-a1"}'] == 1
    assert read['pantau_checks{status="new"}'] == 1


async def test_loss_and_round_trip_are_those_of_the_last_look() -> None:
    read = await samples(view_of(cut_engine()))
    lost = '{check="kec-gadingrejo/icmp",kind="icmp",node="kec-gadingrejo"}'
    assert read[f"pantau_check_loss_ratio{lost}"] == 0.75
    assert f"pantau_check_rtt_seconds{lost}" not in read
    assert read['pantau_check_rtt_seconds{check="hub/icmp",kind="icmp",node="hub"}'] == 0.0042
    assert read['pantau_check_looks_total{check="hub/icmp",kind="icmp",node="hub",verdict="OK"}'] == 100


async def test_a_removed_target_takes_its_series_with_it() -> None:
    city = town()
    beliefs, incident, _ = cut(city)
    without = replace(
        city,
        nodes={key: node for key, node in city.nodes.items() if key != "kel-a0"},
        checks={key: check for key, check in city.checks.items() if check.node != "kel-a0"},
    )
    read = await samples(view_of(engine_of(without, {key: value for key, value in beliefs.items() if "kel-a0" not in key}, incident)))
    assert [name for name in read if "kel-a0" in name] == []


async def test_two_incidents_of_one_cause_make_one_sample() -> None:
    city = town()
    beliefs, first, _ = cut(city)
    _, second, _ = cut(city, incident="g18")
    lines = (await text_of(view_of(engine_of(city, beliefs, first, second)))).splitlines()
    assert len([line for line in lines if line.startswith("pantau_incident_open{")]) == 1


async def test_what_the_shell_alone_knows_is_shown() -> None:
    figures = Figures(
        NOW - 60, {("telegram", "ok"): 3, ("telegram", "retry"): 2}, 0.004, NOW - 50, 2, "line 3", 4096, {"events": 9},
        ((0.05, 7), (math.inf, 9)), 1.5,
    )  # fmt: skip
    read = await samples(view_of(cut_engine(), figures=lambda: figures, ready=lambda: "the disk is full"))
    assert read['pantau_deliveries_total{channel="telegram",result="retry"}'] == 2
    assert read['pantau_deliveries_total{channel="mail",result="ok"}'] == 0
    assert read["pantau_loop_lag_seconds"] == 0.004
    assert [read[f"pantau_look_delay_seconds_{part}"] for part in ('bucket{le="0.05"}', 'bucket{le="+Inf"}', "count", "sum")] == [
        7,
        9,
        9,
        1.5,
    ]
    assert read["pantau_config_reload_failures_total"] == 2
    assert read["pantau_config_last_reload_successful"] == 0
    assert read["pantau_ready"] == 0
    assert read['pantau_journal_rows{table="events"}'] == 9
    assert read['pantau_config_info{city="Kota Pasuruan",fingerprint="f00dfeed"}'] == 1


async def test_every_metric_is_in_the_table_and_every_row_of_the_table_is_shown() -> None:
    assert METRICS.keys() == ROWS.keys()
    figures = Figures(journal={"events": 1})
    text = await text_of(view_of(cut_engine(), figures=lambda: figures))
    shown = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE pantau")}
    with_samples = {
        re.sub("_(bucket|sum|count)$", "", line.split("{")[0].split()[0]) for line in text.splitlines() if line.startswith("pantau")
    }
    assert shown == METRICS.keys() == with_samples
    assert all(f"`{name}`" in reference() for name in METRICS)


async def test_the_reference_is_fresh() -> None:
    assert (ROOT / "docs/metrics.md").read_text(encoding="utf-8") == reference()


async def test_a_big_city_is_written_slice_by_slice() -> None:
    """A scrape gives way to other work after every slice, so that no city is too big for the loop."""
    view, turns = view_of(engine_of(town(kelurahan=26, opds=350))), 0

    async def other_work() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.timeout(30):
        beside = asyncio.create_task(other_work())
        text = await text_of(view)
        beside.cancel()
    looks = [line for line in text.splitlines() if "pantau_check_looks_total" in line]
    assert len([line for line in looks if line.startswith("#")]) == 2, "the head is written once"
    assert len(set(looks)) == len(looks) > SLICE
    assert turns >= len(METRICS) + len(looks) // SLICE
