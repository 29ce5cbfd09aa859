"""inventory.yaml -> City, or every problem at once as `file:line:column: key: what is wrong; did you mean ...`.

read (YAML with places) -> gather (include) -> fit (shape) -> judge (cross checks, options) -> resolve (City)
"""

from monitor.inventory.larger import write_larger
from monitor.inventory.loading import examine, inspect, load
from monitor.inventory.problems import InventoryError, Problem

__all__ = ["InventoryError", "Problem", "examine", "inspect", "load", "write_larger"]
