"""A city of real kernel networks to run, test and rehearse in: `pantau lab up`, then `pantau lab cut kec-gadingrejo`.

`outside.run` builds it (inside.py is process 1 of the city); `client` speaks to a running one. What is real in it: docs/lab.md.
"""
