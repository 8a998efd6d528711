"""One of several who move a pointer: does what its input says, a line each, and answers with a line.

movers.py WHO ADDRESS   `look`: which record is pointed at. `move N`: from what it has seen to release N
"""

import sys

from my_ml_project.errors import ProjectError
from my_ml_project.releases.pointers import NumberedEntries
from my_ml_project.releases.record import Pointer

who, address = sys.argv[1:]
pointer, seen = NumberedEntries(address, "production"), None
for line in sys.stdin:
    try:
        if line.startswith("look"):
            seen = pointer.read()
            said = seen.record if seen else "nothing"
        else:
            record = f"releases/{line.split()[1]}-{who}/release.json"
            pointer.move(seen, Pointer(record=record, sha256="0" * 64), who, "")
            said = "moved"
    except ProjectError as error:
        said = str(error)
    print(said, flush=True)
