"""The words (facts) and the rules over them. Pure: no clock, socket, file, loop or log."""
