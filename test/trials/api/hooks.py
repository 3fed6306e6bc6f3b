"""Gives Schemathesis real images to send, and what is none under their names: no schema describes one."""

from os import environ
from pathlib import Path

import schemathesis
from hypothesis import strategies

for folder in Path(environ["RUN_FOLDER"], "images").iterdir():
    images = [file.read_bytes() for file in sorted(folder.iterdir())]
    schemathesis.openapi.media_type(f"image/{folder.name}", strategies.sampled_from([b"no image", *images]))
