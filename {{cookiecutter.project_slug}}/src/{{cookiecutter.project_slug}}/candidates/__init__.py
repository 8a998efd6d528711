"""Models that may be released: compared with the one in use, tested, shown to a person, and released if they agree."""
