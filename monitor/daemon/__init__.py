"""The live shell: inbox -> engine -> journal -> effects; signals, reload, words from people, one HTTP address (`life.run`)."""
