"""Makes HEIC files with pillow-heif, and what its native decoder shows of each, as PNGs of at most 320 x 320.

    generate.py matrix FOLDER N    each Nth combination that heic.test.ts compares
    generate.py fixtures FOLDER    the files in test/heic/fixtures
"""

import io
import itertools
import json
import struct
import sys
from pathlib import Path

import numpy
import pillow_heif
from PIL import Image, ImageCms

TILE = 64
# Columns and rows of tiles.
GRIDS = {1: (1, 1), 48: (8, 6), 200: (20, 10), 768: (32, 24)}
THUMBNAIL_SIDE = 320

P3_PRIMARIES = [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)]


def display_p3() -> bytes:
    """A Display P3 profile: ICC.1:2022, version 2 with a matrix, and a gamma of 2.2 for its curve."""

    def xyz(x: float, y: float) -> numpy.ndarray:
        return numpy.array([x / y, 1, (1 - x - y) / y])

    white = xyz(0.3127, 0.3290)
    primaries = numpy.column_stack([xyz(x, y) for x, y in P3_PRIMARIES])
    matrix = primaries * numpy.linalg.solve(primaries, white)
    bradford = numpy.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    d50 = numpy.array([0.9642, 1, 0.8249])
    adapt = numpy.linalg.solve(bradford, numpy.diag(bradford @ d50 / (bradford @ white)) @ bradford)
    columns = (adapt @ matrix).T

    def fixed(values) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256)) + bytes(2)
    text = b"Test P3"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + bytes(1 + 79),
        b"cprt": b"text" + bytes(4) + b"None\0",
        b"wtpt": b"XYZ " + bytes(4) + fixed(d50),
        **{name: b"XYZ " + bytes(4) + fixed(column) for name, column in zip([b"rXYZ", b"gXYZ", b"bXYZ"], columns)},
        **{name: curve for name in [b"rTRC", b"gTRC", b"bTRC"]},
    }
    table, data = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    size = start + len(data)
    header = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header = header + bytes(12) + b"acsp" + bytes(24) + struct.pack(">I", 0) + fixed(d50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


PROFILES = {
    "srgb": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    "p3": display_p3(),
    "none": None,
}


def picture(width: int, height: int) -> numpy.ndarray:
    """Soft shapes in saturated colours, from 0 to 1, different at every corner and edge."""
    y, x = numpy.mgrid[0:height, 0:width]
    x, y = x / width, y / height
    waves = numpy.stack(
        [
            0.5 + 0.4 * numpy.sin(9 * x + 3 * y),
            0.5 + 0.4 * numpy.cos(5 * x - 8 * y),
            0.5 + 0.4 * numpy.sin(7 * y - 2 * x + 1),
        ],
        axis=-1,
    )
    waves[(x < 0.25) & (y < 0.3)] *= [1, 0.25, 0.2]
    waves[(x > 0.7) & (y > 0.6)] *= [0.2, 0.9, 0.3]
    return waves.clip(0, 1)


def letterboxed(width: int, height: int) -> numpy.ndarray:
    """The picture with bars above and below."""
    image = numpy.zeros((height, width, 3))
    bar = height // 8
    image[bar : height - bar] = picture(width, height - 2 * bar)
    return image


def add(file: pillow_heif.HeifFile, pixels: numpy.ndarray, depth: int, profile: bytes | None, orientation: int):
    height, width, _ = pixels.shape
    if depth == 8:
        image = file.add_frombytes("RGB", (width, height), (pixels * 255).round().astype("uint8").tobytes())
    else:
        image = file.add_frombytes("RGB;16", (width, height), (pixels * 65535).round().astype("uint16").tobytes())
    if profile is not None:
        image.info["icc_profile"] = profile
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.info["exif"] = exif.tobytes()
    return image


def with_thumbnail(data: bytes, number: int | None) -> bytes:
    """Makes the top-level picture of this number the embedded thumbnail, or leaves the file without one."""
    at = data.index(b"thmb")
    if number is None:
        return data[:at] + b"skip" + data[at + 4 :]
    ids = top_level_ids(data)
    return data[: at + 4] + struct.pack(">H", ids[number]) + data[at + 6 :]


def top_level_ids(data: bytes) -> list[int]:
    """Items that are pictures and visible: boxes `infe` of version 2 whose flag "hidden" is 0."""
    ids = []
    at = data.find(b"infe")
    while at != -1:
        version_flags, item, _, kind = struct.unpack(">IHH4s", data[at + 4 : at + 16])
        if version_flags & 1 == 0 and kind in (b"hvc1", b"grid"):
            ids.append(item)
        at = data.find(b"infe", at + 4)
    # The thumbnail that pillow-heif made itself.
    made = struct.unpack(">H", data[data.index(b"thmb") + 4 :][:2])[0]
    return [item for item in ids if item != made]


def shown(data: bytes, profile: bytes | None) -> Image.Image:
    """What the native decoder shows, in sRGB, at most 320 x 320."""
    image = pillow_heif.open_heif(data, convert_hdr_to_8bit=True).to_pillow().convert("RGB")
    scale = min(1, 320 / max(image.size))
    size = tuple(max(1, int(side * scale + 0.5)) for side in image.size)
    image = image.resize(size, Image.Resampling.BOX)
    if profile is None:
        return image
    return ImageCms.profileToProfile(image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB")


def matrix(folder: Path, every: int) -> None:
    cases = []
    combinations = list(itertools.product(GRIDS, (8, 10), PROFILES, range(1, 9)))
    for index, (tiles, depth, colour, orientation) in enumerate(combinations):
        if index % every:
            continue
        columns, rows = GRIDS[tiles]
        width, height = (512, 384) if tiles == 1 else (columns * TILE, rows * TILE)
        profile = PROFILES[colour]
        file = pillow_heif.HeifFile()
        main = add(file, picture(width, height), depth, profile, orientation)
        main.info["thumbnails"] = [THUMBNAIL_SIDE]
        small = (THUMBNAIL_SIDE, round(THUMBNAIL_SIDE * height / width))
        other = PROFILES["p3" if colour != "p3" else "srgb"]
        add(file, picture(*small), depth, profile, orientation)
        add(file, letterboxed(*small), depth, profile, orientation)
        add(file, picture(*small)[..., ::-1], depth, other, orientation)
        buffer = io.BytesIO()
        file.save(buffer, tile_size=0 if tiles == 1 else TILE, quality=90, primary_index=0, save_nclx_profile=False)
        data = buffer.getvalue()
        name = f"{tiles}-{depth}-{colour}-{orientation}"
        shown(data, profile).save(folder / f"{name}.png")
        full = pillow_heif.open_heif(data).size
        for thumbnail, number in {"none": None, "good": 1, "letterboxed": 2, "profile": 3}.items():
            file_name = f"{name}-{thumbnail}.heic"
            (folder / file_name).write_bytes(with_thumbnail(data, number))
            cases.append({"file": file_name, "shown": f"{name}.png", "width": full[0], "height": full[1]})
    (folder / "cases.json").write_text(json.dumps(cases))


def save(file: pillow_heif.HeifFile, **options) -> bytes:
    buffer = io.BytesIO()
    file.save(buffer, primary_index=0, **options)
    return buffer.getvalue()


def quarters(width: int, height: int) -> numpy.ndarray:
    """The picture of four colours in test/images.ts."""
    image = numpy.zeros((height, width, 3))
    image[: height // 2, : width // 2] = [200, 30, 30]
    image[: height // 2, width // 2 :] = [30, 160, 60]
    image[height // 2 :, : width // 2] = [30, 60, 200]
    image[height // 2 :, width // 2 :] = [250, 250, 250]
    return image / 255


def fixtures(folder: Path) -> None:
    def write(name: str, data: bytes) -> None:
        (folder / name).write_bytes(data)

    # As a phone stores a photo that was taken upright: 12 tiles, turned, with a thumbnail.
    file = pillow_heif.HeifFile()
    add(file, quarters(256, 192), 8, None, 6).info["thumbnails"] = [128]
    add(file, quarters(128, 96), 8, None, 6)
    add(file, letterboxed(128, 96), 8, None, 6)
    tiled = save(file, tile_size=64, quality=80)
    write("tiles.heic", with_thumbnail(tiled, 1))
    write("tiles-without-thumbnail.heic", with_thumbnail(tiled, None))
    write("tiles-other-thumbnail.heic", with_thumbnail(tiled, 2))

    # Without tiles, 10 bits, in Display P3.
    file = pillow_heif.HeifFile()
    add(file, quarters(160, 120), 10, PROFILES["p3"], 1)
    write("deep-p3.heic", save(file, quality=90, save_nclx_profile=False))

    # Half of it transparent.
    pixels = numpy.dstack([quarters(64, 48), numpy.repeat([[1.0] * 32 + [0.0] * 32], 48, axis=0)])
    file = pillow_heif.HeifFile()
    file.add_frombytes("RGBA", (64, 48), (pixels * 255).round().astype("uint8").tobytes())
    write("alpha.heic", save(file, quality=90))

    # The photo of the README, in tiles of 512 pixels, with a thumbnail: for the bench and for curl.
    photo = Image.open(Path(__file__).parents[2] / "photo.jpg").convert("RGB")
    small = photo.resize((320, 240), Image.Resampling.LANCZOS)
    file = pillow_heif.HeifFile()
    add(file, numpy.asarray(photo) / 255, 8, None, 1).info["thumbnails"] = [64]
    add(file, numpy.asarray(small) / 255, 8, None, 1)
    write("photo.heic", with_thumbnail(save(file, tile_size=512, quality=70), 1))


if __name__ == "__main__":
    target = Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    if sys.argv[1] == "matrix":
        matrix(target, int(sys.argv[3]))
    elif sys.argv[1] == "fixtures":
        fixtures(target)
    else:
        sys.exit(__doc__)
