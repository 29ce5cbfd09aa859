"""Decides who hears what, and tells them."""
