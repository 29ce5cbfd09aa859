"""What a daemon is told when it starts; everything else stands in the inventory."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from monitor.journal import Keep


@dataclass(frozen=True, slots=True)
class Settings:
    """`config` is the inventory (file or folder), `data_dir` where the journal lies, `listen` is `A:P`, `[A6]:P` or `fd:N`.

    `keep` is how long the looks of the past are kept. `rehearsal` says that the lab's addresses may be looked at: PANTAU_CITY=1 is set
    inside the rehearsal city only, and there `page` (PANTAU_CITY_PAGE) is where its page answers, whatever the inventory says.
    """

    config: Path
    data_dir: Path
    listen: str = "127.0.0.1:9475"
    keep: Keep = field(default_factory=Keep)
    rehearsal: bool = field(default_factory=lambda: os.environ.get("PANTAU_CITY") == "1")
    page: str = field(default_factory=lambda: os.environ.get("PANTAU_CITY_PAGE", ""))

    @property
    def control(self) -> str:
        """The path of the Unix socket that takes words from people."""
        return str(self.data_dir.absolute() / "control")
