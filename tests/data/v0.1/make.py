#!/usr/bin/env python3
"""Writes the files of this folder with the programs of version 0.1 (commit 7fd4c79).

    python3 tests/data/v0.1/make.py --emocue OLD/emocue --badge OLD/emocue-badge

Not for newer programs: what a newer version writes belongs into a folder of its own. The pictures are drawn here and
show nobody. Nothing secret is kept: the signing key's seed is 32 bytes of 7, which the test knows too.
"""
import argparse
import fcntl
import gzip
import json
import pathlib
import random
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROWS = 48  # 32 to train on, 8 to choose by, 8 to judge by


def keep(source, name):
    target = HERE / name
    target.parent.mkdir(parents=True, exist_ok=True)
    data = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
    target.write_bytes(gzip.compress(data, 9, mtime=0) if name.endswith(".gz") else data)


def run(*command, code=0):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=WORK)
    assert done.returncode == code, (command, done.returncode, done.stdout, done.stderr)
    return done.stdout


# ---- rows: a bar whose place is the class, in Kaggle's layout, and votes in FER+'s

def draw():
    pixels = ["emotion,pixels,Usage"]
    votes = ["Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"]
    for row in range(ROWS):
        usage = ["Training", "PublicTest", "PrivateTest"][max(row // 8 - 3, 0)]
        label = row % 7
        values = [200 + row % 50 if i // 48 // 6 == label else (i * 31 + row) % 60 for i in range(48 * 48)]
        pixels.append(f"{label},{' '.join(map(str, values))},{usage}")
        counts = [0] * 10
        counts[label] += 7
        counts[(label + row) % 8] += 3
        votes.append(f"{usage},fer{row:07d}.png,{','.join(map(str, counts))}")
    keep("\n".join(pixels).encode() + b"\n", "rows/fer.csv.gz")
    keep("\n".join(votes).encode() + b"\n", "rows/votes.csv")
    shutil.copytree(HERE / "rows", WORK / "rows")


DATA = ["--fer2013", "rows/fer.csv.gz", "--ferplus", "rows/votes.csv"]
RECIPE = """\
[net]
{net}

[[heads]]
labels = "ferplus-8"
weight = 1.0
{head}
[optimizer]
{rule}
weight_decay = 5e-4
batch = 4
{optimizer}
[schedule]
epochs = 12
warmup_epochs = 0.5
{schedule}
[augment]
flip = true
rotate_degrees = 10.0
scale = 0.1
shift = 0.05
brightness = 0.2
contrast = 0.2
erase = 0.1
{augment}"""
PLAIN = RECIPE.format(
    net='kind = "plain-cnn"\nwidth = 2\nconvs = 3\ndense = 3\ndropout = 0.0', head="", optimizer="ema_decay = 0.3\n",
    rule='rule = { kind = "adam-w", beta_1 = 0.9, beta_2 = 0.999 }\nlearning_rate = 0.004',
    schedule='decay = { kind = "plateau", patience = 2, factor = 0.5, floor = 0.01 }\npatience = 11\n',
    augment='border = "reflect"\nmixup = 0.1\n')
BADGE = RECIPE.format(
    net='kind = "badge"\nwidth = 4\ndropout = 0.1',
    head='label_smoothing = 0.1\nclass_weights = "root"\n\n[[heads]]\nlabels = "fer-7"\nweight = 0.5\n',
    rule='rule = { kind = "sgd", momentum = 0.9, nesterov = true }\nlearning_rate = 0.05',
    optimizer="accumulate = 2\nema_decay = 0.9\n", schedule='decay = { kind = "cosine" }\n',
    augment="\n[distill]\nweight = 0.35\ntemperature = 2.0\n")
PLAN = f"""\
recipes = ["plan/plain.toml"]
seeds = [1, 2, 3, 4]
run = "plan/jobs"
judge = "private"
arguments = {json.dumps([*DATA, "--workers", "1"])}
"""


def interrupted(folder, *command):
    """Runs a training until it stops within an epoch that is not its first."""
    while True:
        shutil.rmtree(WORK / folder, ignore_errors=True)
        job = subprocess.Popen([str(part) for part in command], cwd=WORK, stdout=subprocess.PIPE, text=True)
        time.sleep(random.uniform(0.05, 0.4))
        job.send_signal(signal.SIGINT)
        said = job.communicate()[0]
        words = said.split("stopped at step ")
        metrics = WORK / folder / "metrics.jsonl"
        if len(words) == 2 and metrics.exists():
            epochs = len(metrics.read_text().splitlines())
            state = (WORK / folder / "checkpoint.bin").read_bytes()
            state = json.JSONDecoder().raw_decode(state[state.index(b"{"):][:6000].decode(errors="replace"))[0]
            if 2 <= epochs <= 8 and state["epoch_loss"] > 0:
                return


def keep_run(folder, name, files):
    for file in files:
        zipped = file in ("checkpoint.bin", "eval.json")
        keep(WORK / folder / file, f"{name}/{file}" + (".gz" if zipped else ""))


def train():
    plan = WORK / "plan"
    plan.mkdir()
    (plan / "plain.toml").write_text(PLAIN)
    (plan / "plan.toml").write_text(PLAN)
    (WORK / "badge.toml").write_text(BADGE)
    keep(plan / "plain.toml", "plan/plain.toml")
    keep(plan / "plan.toml", "plan/plan.toml")
    keep(WORK / "badge.toml", "runs/badge.toml")

    plain = ["--recipe", "plan/plain.toml", "--workers", "1", "--plain", "--judge", "private", "--continue"]
    run(EMOCUE, "train", *plain, *DATA, "--seed", "1", "--run", "plan/jobs/plain-seed1")
    keep_run("plan/jobs/plain-seed1", "plan/jobs/plain-seed1",
             ["checkpoint.bin", "metrics.jsonl", "ferplus-8.onnx", "eval.json"])
    interrupted("plan/jobs/plain-seed2", EMOCUE, "train", *plain, *DATA, "--seed", "2", "--run", "plan/jobs/plain-seed2")
    keep_run("plan/jobs/plain-seed2", "plan/jobs/plain-seed2", ["checkpoint.bin", "metrics.jsonl"])
    run(EMOCUE, "train", *plain, "--fer2013", "rows/lost.csv", "--seed", "3", "--run", "plan/jobs/plain-seed3", code=1)
    keep_run("plan/jobs/plain-seed3", "plan/jobs/plain-seed3", ["failed.txt"])
    keep(run(EMOCUE, "gather", "plan/plan.toml", "--json").encode(), "plan/gather.json")

    teacher = ["--teacher", "plan/jobs/plain-seed1/ferplus-8.onnx"]
    badge = ["--workers", "1", "--plain", *teacher, *DATA, "--run", "runs/badge"]
    interrupted("runs/badge", EMOCUE, "train", "--recipe", "badge.toml", *badge)
    answers = next((WORK / "runs/badge").glob("teacher-*.bin")).name
    keep_run("runs/badge", "runs/interrupted", ["checkpoint.bin", "metrics.jsonl", answers])
    run(EMOCUE, "train", *badge, "--resume", "--judge", "private")
    keep_run("runs/badge", "runs/finished", ["metrics.jsonl", "eval.json"])

    # What became of all seeds once the plan went on.
    run(EMOCUE, "train", "--plan", "plan/plan.toml")
    keep_run("plan/jobs/plain-seed2", "plan/finished", ["metrics.jsonl", "eval.json"])
    keep(run(EMOCUE, "gather", "plan/plan.toml", "--json").encode(), "plan/finished/gather.json")


def graphs():
    made = WORK / "graphs"
    made.mkdir()
    plain = "plan/jobs/plain-seed1/ferplus-8.onnx"
    run(EMOCUE, "calibrate", plain, "--right", "0.7", "-o", "graphs/calibrated.onnx", *DATA)
    for form in ("w8", "int8"):
        run(EMOCUE, "quantize", "graphs/calibrated.onnx", "--form", form, "--keep-below", "64", "-o", f"graphs/{form}.onnx", *DATA)
    names = ["calibrated.onnx", "w8.onnx", "int8.onnx"]
    for name in names:
        keep(made / name, f"graphs/{name}")
    # A ramp, its mirror image and waves, in a normalised face's range.
    inputs = [[step(i % 48, i // 48) for i in range(48 * 48)] for step in (
        lambda x, y: y / 12 - 2, lambda x, y: 2 - y / 12, lambda x, y: (x * y % 17) / 4 - 2)]
    (WORK / "inputs").write_bytes(b"".join(struct.pack(f"<{48 * 48}f", *values) for values in inputs))
    logits = {}
    for name in [*(f"graphs/{name}" for name in names), plain]:
        run(EMOCUE, "infer", name, "--shape", "1,1,48,48", "--input", "inputs", "--out", "outputs")
        logits[name] = [value for (value,) in struct.iter_unpack("<f", (WORK / "outputs").read_bytes())]
    keep(json.dumps(logits).encode() + b"\n", "graphs/logits.json")
    models = [part for name in names for part in ("--model", f"graphs/{name}")]
    keep(run(EMOCUE, "eval", "--json", *models, "--model", plain, *DATA).encode(), "graphs/eval.json.gz")


# ---- detectors that find nothing, as small as a bundle allows

def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def node(kind, inputs, output, **attributes):
    body = b"".join(field(1, name) for name in inputs) + field(2, output) + field(3, output) + field(4, kind)
    for name, value in attributes.items():
        many = isinstance(value, list)
        values = b"".join(field(8, v) for v in value) if many else field(3, value)
        body += field(5, field(1, name) + values + field(20, 7 if many else 2))
    return field(1, body)


def constant(name, shape, values, code="f"):
    kind = 1 if code == "f" else 7
    raw = struct.pack(f"<{len(values)}{code}", *values)
    return field(5, b"".join(field(1, d) for d in shape) + field(2, kind) + field(8, name) + field(9, raw))


def value(number, name, shape):
    dims = b"".join(field(1, field(1, d) if isinstance(d, int) else field(2, d)) for d in shape)
    return field(number, field(1, name) + field(2, field(1, field(1, 1) + field(2, dims))))


def model(*parts):
    return field(1, 8) + field(7, b"".join(parts) + field(2, "empty")) + field(8, field(2, 17))


def proposer():
    parts = [value(11, "x", ["N", 1, "H", "W"]),
             node("MaxPool", ["x"], "half", kernel_shape=[4, 4], strides=[2, 2], ceil_mode=1)]
    for name, count in (("score", 1), ("box", 4)):
        parts += [constant(f"{name}.w", [count, 1, 5, 5], [0.0] * count * 25),
                  node("Conv", ["half", f"{name}.w"], name, kernel_shape=[5, 5]),
                  value(12, name, ["N", count, "h", "w"])]
    return model(*parts)


def refiner(side, counts):
    parts = [value(11, "x", ["N", 1, side, side]), node("GlobalAveragePool", ["x"], "mean"),
             node("Flatten", ["mean"], "flat", axis=1)]
    for name, count in counts:
        parts += [constant(f"{name}.w", [1, count], [0.0] * count),
                  node("MatMul", ["flat", f"{name}.w"], name), value(12, name, ["N", count])]
    return model(*parts)


def yunet():
    parts = [value(11, "x", [1, 1, "H", "W"])]
    for stride in (8, 16, 32):
        parts.append(node("MaxPool", ["x"], f"pool{stride}", kernel_shape=[stride] * 2, strides=[stride] * 2))
    for name, count in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
        parts.append(constant(f"{name}.w", [count, 1, 1, 1], [0.0] * count))
        parts.append(constant(f"{name}.shape", [3], [1, -1, count], "q"))
        for stride in (8, 16, 32):
            tail = f"{name}_{stride}"
            parts += [node("Conv", [f"pool{stride}", f"{name}.w"], f"{tail}.conv", kernel_shape=[1, 1]),
                      node("Transpose", [f"{tail}.conv"], f"{tail}.last", perm=[0, 2, 3, 1]),
                      node("Reshape", [f"{tail}.last", f"{name}.shape"], tail), value(12, tail, [1, f"c{stride}", count])]
    return model(*parts)


def bundles():
    (WORK / "mtcnn").mkdir()
    (WORK / "mtcnn/pnet.onnx").write_bytes(proposer())
    (WORK / "mtcnn/rnet.onnx").write_bytes(refiner(24, [("score", 1), ("box", 4)]))
    (WORK / "mtcnn/onet.onnx").write_bytes(refiner(48, [("score", 1), ("box", 4), ("marks", 10)]))
    (WORK / "yunet.onnx").write_bytes(yunet())
    (WORK / "card.md").write_text("# A bundle for a test\n\nIt finds nobody. Ä, 😀.\n")
    (WORK / "metrics.json").write_text('{"ferplus.private.plurality": 0.375, "label": 1e-3}')
    (WORK / "secret").write_text(SECRET + "\n")
    (WORK / "secret").chmod(0o600)
    keep(run(EMOCUE, "key", "show", "secret").encode(), "bundles/signer.pub")
    run(EMOCUE, "key", "new", "-o", "other")
    keep(WORK / "other.pub", "bundles/new.pub")
    pack = [EMOCUE, "bundle", "pack", "--card", "card.md", "--metrics", "metrics.json",
            "--provenance", "data=drawn", "--provenance", "seed=1"]
    run(*pack, "--detector", "mtcnn", "--classifier", "plan/jobs/plain-seed1/ferplus-8.onnx", "--name", "plain",
        "--content-version", "1", "-o", "float.emocue")
    run(*pack, "--detector", "mtcnn", "--classifier", "graphs/int8.onnx", "--name", "whole-numbers", "--min-face", "30",
        "--temperature", "1.5", "--threshold", "0.45", "--content-version", "4294967295", "--key", "secret", "-o",
        "int8.emocue")
    run(*pack, "--detector", "yunet.onnx", "--classifier", "graphs/w8.onnx", "--name", "w8", "--content-version", "7",
        "-o", "unsigned.emocue")
    run(EMOCUE, "bundle", "sign", "unsigned.emocue", "--key", "secret", "--intended-use", "a test", "--content-version",
        "8", "-o", "w8.emocue")
    for name in ("float", "int8", "w8"):
        keep(WORK / f"{name}.emocue", f"bundles/{name}.emocue")
        keep(run(EMOCUE, "bundle", "show", f"{name}.emocue").encode(), f"bundles/{name}.json")


# ---- the badge: its configurations and its state folder

FULL = """\
board = "pi-5"
[camera]
source = "pipe:?format=yuv420&size=320x240&range=full cat frames"
rotate = 270
mirror = true
wait = false
[look]
bundle = "/etc/emocue/mine.emocue"
min_face = 62.5
[panel]
enabled = true
words = "word"
controller = "sh1106"
bus = "/dev/i2c-7"
address = 0x3d
size = "128x32"
upside_down = true
brightness = 255
dim_brightness = 1
dim_after_s = 0
blank_after_s = 3600
shift_every_s = 1
[gpio]
driver = "gpiocdev"
chip = "pinctrl-rp1"
[pins]
button = { line = 5, active = "high" }
led = 6
motor = { line = 7, active = "low" }
battery_low = 8
[led]
brightness = 1
[vibration]
neutral = [50]
happiness = []
surprise = [20, 30, 40, 50, 60]
[pace]
fps = 0.5
warm_c = 50.5
hot_c = 90
[update]
keys = ["PUBLIC"]
state = "/srv/state of this badge"
healthy_s = 3600
[link]
port = "/dev/ttyGS0"
baud = 9600
"""
SHORT = """\
camera.source = "v4l2:/dev/video2?size=640x480&fps=15&format=yuyv"
panel.enabled = false
[gpio]
driver = "none"
[pace]
fps = 30
"""
CHECKED = ["[led]\nbrightness = 500\n", "[led]\nbrightnes = 50\n", "[leds]\n", "board = \"pi-9\"\n", "[camera]\nrotate = 45\n",
           "[camera]\nsource = \"film:x\"\n", "[panel]\nsize = \"64x64\"\n", "[panel]\naddress = 200\n", "[pins]\nled = -1\n",
           "[pins]\nled = 3\nmotor = 3\n", "[pace]\nfps = 0\n", "[pace]\nwarm_c = 80\nhot_c = 70\n", "[look]\nmin_face = 3\n",
           "[vibration]\nfear = [-5]\n", "[update]\nkeys = [\"12ab\"]\n", "[update]\nhealthy_s = 0\n", "[link]\nbaud = 1\n", "= 1\n"]


def configs():
    texts = {"full": FULL.replace("PUBLIC", PUBLIC), "short": SHORT, "empty": ""}
    for board in ("pi-zero-2w", "pi-4", "pi-5", "jetson-nano", "jetson-orin"):
        texts[board] = f'board = "{board}"\n'
    for name, text in texts.items():
        file = WORK / "config.toml"
        file.write_text(text)
        run(BADGE_PROGRAM, "config", "check", file)
        keep(text.encode(), f"config/{name}.toml")
        keep(run(BADGE_PROGRAM, "config", "show", file).encode(), f"config/{name}.shown")
    checked = []
    for text in CHECKED:
        file.write_text(text)
        done = subprocess.run([BADGE_PROGRAM, "config", "check", file], capture_output=True, text=True)
        checked.append({"text": text, "exit": done.returncode})
    keep(json.dumps(checked, indent=1).encode() + b"\n", "config/checked.json")


def slots():
    for release in (900, 901):
        run(EMOCUE, "bundle", "sign", "default", "--key", "secret", "--content-version", release, "-o", f"{release}.emocue")
    config = WORK / "badge-config.toml"
    config.write_text(f'panel.enabled = false\n[update]\nkeys = ["{PUBLIC}"]\nstate = "{WORK}/state"\n')
    at = ["--config", config]

    def look(name):
        keep(WORK / "state/slots/state", f"state/{name}/pointer")
        keep(run(BADGE_PROGRAM, "slot", "status", "--json", *at).encode(), f"state/{name}/status.json")

    def start():
        run(BADGE_PROGRAM, "run", "--display", "json", "--camera", "portraits", *at)

    steps = [("1-trial", lambda: run(BADGE_PROGRAM, "slot", "install", "900.emocue", *at)),
             ("2-kept", lambda: run(BADGE_PROGRAM, "slot", "confirm", *at)),
             ("3-second-on-trial", lambda: run(BADGE_PROGRAM, "slot", "install", "901.emocue", *at)),
             ("4-started-once", start),
             ("5-second-kept", lambda: run(BADGE_PROGRAM, "slot", "confirm", *at)),
             ("6-back", lambda: run(BADGE_PROGRAM, "slot", "rollback", *at)),
             ("7-back-again", lambda: run(BADGE_PROGRAM, "slot", "rollback", *at))]
    for name, step in steps:
        step()
        look(name)
    pointer = WORK / "state/slots/state"
    pointer.write_bytes(pointer.read_bytes().replace(b"failed", b"faiked"))
    look("8-damaged")
    start()
    look("9-recovered")


def consent():
    """A key that the wearer accepted: this script stands in for the badge that runs and its button."""
    state = WORK / "state2"
    state.mkdir()
    lock = (state / "run.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)

    def press():
        while not (state / "ask").exists():
            time.sleep(0.01)
        asked = (state / "ask").read_bytes()
        keep(asked, "state/ask")
        answer = json.dumps({"id": json.loads(asked)["id"], "verdict": "yes"}).encode()
        (state / "answer.new").write_bytes(answer)
        (state / "answer.new").rename(state / "answer")

    wearer = threading.Thread(target=press)
    wearer.start()
    run(BADGE_PROGRAM, "slot", "install", "900.emocue", "--state", state)
    wearer.join()
    lock.close()
    keep(state / "keys", "state/keys")
    # What a badge without a button answers.
    config = WORK / "buttonless.toml"
    config.write_text(f'panel.enabled = false\n[update]\nstate = "{WORK}/state3"\n')
    frames = "cat header; while cat frame; do :; done"
    (WORK / "header").write_text("YUV4MPEG2 W64 H64 F25:1 Cmono XCOLORRANGE=FULL\n")
    (WORK / "frame").write_bytes(b"FRAME\n" + bytes(64 * 64))
    (WORK / "state3").mkdir()
    badge = subprocess.Popen([BADGE_PROGRAM, "run", "--config", config, "--camera", f"pipe:{frames}", "--display",
                              "json:/dev/null"], cwd=WORK, stdin=subprocess.DEVNULL)
    while not (WORK / "state3/run.lock").exists():
        time.sleep(0.01)
    time.sleep(0.5)
    shutil.copy(HERE / "state/ask", WORK / "state3/ask")
    while not (WORK / "state3/answer").exists():
        time.sleep(0.01)
    keep(WORK / "state3/answer", "state/answer")

    # A bundle whose cable was pulled: two pairs of terminals, and a wire of which 200,000 bytes come through.
    badge.send_signal(signal.SIGTERM)
    badge.wait()
    transfer(config, frames)


def transfer(config, frames):
    import os
    import tty
    ends = [os.openpty(), os.openpty()]
    for near, far in ends:
        tty.setraw(near)
        tty.setraw(far)
    near, far = ends[0][0], ends[1][0]
    config.write_text(config.read_text() + f'[link]\nport = "{os.ttyname(ends[0][1])}"\n')
    badge = subprocess.Popen([BADGE_PROGRAM, "run", "--config", config, "--camera", f"pipe:{frames}", "--display",
                              "json:/dev/null"], cwd=WORK, stdin=subprocess.DEVNULL)
    host = subprocess.Popen([EMOCUE, "flash", "--to", f"serial:{os.ttyname(ends[1][1])}", "--bundle", "900.emocue", "--key", "secret",
                             "--intended-use", "a test", "--yes"],
                            cwd=WORK, stdin=subprocess.DEVNULL)
    passed = 0
    while passed < 200_000:
        for end in select.select([near, far], [], [], 30)[0]:
            data = os.read(end, 4096)
            os.write(far if end == near else near, data)
            passed += len(data) if end == far else 0
    host.kill()
    badge.send_signal(signal.SIGTERM)
    badge.wait()
    host.wait()
    incoming = WORK / "state3/incoming"
    info = (incoming / "incoming.info").read_bytes()
    keep(info, "state/incoming.info")
    # Kind 0, length of the file as a varint, SHA-256, bytes that are there as a varint, CRC-32.
    told = {"bytes": number(info[1:]), "sha256": info[-39:-7].hex(), "offset": number(info[-7:])}
    assert 0 < told["offset"] <= (incoming / "incoming.part").stat().st_size, told
    keep(json.dumps(told).encode() + b"\n", "state/incoming.json")


def number(data):
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value
    raise ValueError(data)


parser = argparse.ArgumentParser()
parser.add_argument("--emocue", type=lambda p: pathlib.Path(p).resolve(), required=True)
parser.add_argument("--badge", type=lambda p: pathlib.Path(p).resolve(), required=True)
given = parser.parse_args()
EMOCUE, BADGE_PROGRAM = given.emocue, given.badge
SECRET = "emocue-secret-key " + "07" * 32
with tempfile.TemporaryDirectory() as folder:
    WORK = pathlib.Path(folder)
    for old in HERE.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
    draw()
    train()
    graphs()
    bundles()
    PUBLIC = (HERE / "bundles/signer.pub").read_text().strip()
    configs()
    slots()
    consent()
