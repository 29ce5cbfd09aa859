"""Radio links: MikroTik wireless (MIKROTIK-MIB mtxrWireless) and Ubiquiti airMAX (UBNT-AirMAX-MIB), in the same words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.probes.ber import Oid
from monitor.probes.snmp_agent import Agent
from monitor.probes.snmp_message import Value
from monitor.probes.snmp_value import numbers, table, text


@dataclass(frozen=True, slots=True)
class Radio:
    """One table of a vendor: its columns by our words; rates count in so many bits a second."""

    entry: Oid
    columns: Mapping[str, int]
    rate: int = 1


_MIKROTIK, _AIRMAX = (1, 3, 6, 1, 4, 1, 14988, 1, 1, 1), (1, 3, 6, 1, 4, 1, 41112, 1, 4)
# What is heard of each peer comes before what a station, or an access point, says of all: the first table that a vendor fills counts.
VENDORS: Sequence[Sequence[Radio]] = (
    (
        Radio((*_MIKROTIK, 2, 1), {"signal": 3, "tx_rate": 8, "rx_rate": 9, "snr": 12, "name": 20}),
        Radio((*_MIKROTIK, 1, 1), {"signal": 4, "tx_rate": 2, "rx_rate": 3, "name": 5, "quality": 9}),
        Radio((*_MIKROTIK, 3, 1), {"clients": 6, "name": 4, "noise": 9, "quality": 10}),
    ),
    (
        Radio((*_AIRMAX, 7, 1), {"signal": 3, "name": 2, "noise": 4, "quality": 6, "tx_rate": 11, "rx_rate": 12}, 1000),
        Radio((*_AIRMAX, 5, 1), {"signal": 5, "name": 2, "noise": 8, "quality": 7, "tx_rate": 9, "rx_rate": 10, "clients": 15}, 1000),
    ),
)
WEAKEST = -120


async def read_radio(agent: Agent, limit: int) -> dict[str, object]:
    """Return `radio`, a row a link: name, signal and noise in dBm, snr in dB, quality in percent, tx_rate and rx_rate in bits a second."""
    links: list[dict[str, object]] = []
    for radios in VENDORS:
        for radio in radios:
            rows = await table(agent, radio.entry, radio.columns, limit)
            if rows:
                links += [_link(radio, row) for row in rows.values()]
                break
    return {"radio": links[:limit]}


def _link(radio: Radio, row: Mapping[str, Value]) -> dict[str, object]:
    """One link; a signal that cannot be, or that nobody sends, is left out."""
    found = numbers(row)
    signal, clients = row.get("signal"), row.get("clients")
    if not isinstance(signal, int) or not WEAKEST < signal < 0 or clients == 0:
        found.pop("signal", None)
    for word in ("tx_rate", "rx_rate"):
        if isinstance(rate := row.get(word), int):
            found[word] = rate * radio.rate
    return {"name": text(row.get("name")), **found}
