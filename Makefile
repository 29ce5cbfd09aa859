# Only names for the scripts, for hands that type make.
.PHONY: setup run test check generate bench lock
setup run test check generate bench lock:
	@scripts/$@
