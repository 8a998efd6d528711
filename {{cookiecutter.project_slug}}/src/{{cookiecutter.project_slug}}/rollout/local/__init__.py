"""One server of this machine, whose model is replaced while it answers."""
