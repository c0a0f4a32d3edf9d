#!/usr/bin/env python3
"""Compares a frame in the badge with a common combination: YuNet in OpenCV, then a classifier in ONNX Runtime.

    python3 tools/peers/search.py --yunet face_detection_yunet_2023mar.onnx --classifier mini_xception.onnx

Both process the same portrait of 640x480 px on one thread; YuNet at 320x240, so that both detect faces of 40 px. They
run alternately, and the minimum of each counts. Needs numpy, opencv-python-headless 4.x and onnxruntime. The times of
our program exclude drawing; the other one has no face tracking.
"""
import argparse
import json
import pathlib
import subprocess
import time

import cv2
import numpy as np
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORTRAIT = ROOT / "models/run/pictures/astronaut.jpg"
SIZE, SEARCHED = (640, 480), (320, 240)


def portrait() -> np.ndarray:
    """The portrait in the middle of a grey frame."""
    picture = cv2.imread(str(PORTRAIT))
    scale = min(SIZE[0] / picture.shape[1], SIZE[1] / picture.shape[0])
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    frame = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    top, left = ((frame.shape[axis] - picture.shape[axis]) // 2 for axis in (0, 1))
    frame[top:top + picture.shape[0], left:left + picture.shape[1]] = picture
    return frame


class Peer:
    """OpenCV's YuNet and a classifier of grey squares in ONNX Runtime."""

    def __init__(self, yunet: str, classifier: str) -> None:
        self.detector = cv2.FaceDetectorYN.create(yunet, "", SEARCHED, 0.7)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(classifier, options, providers=["CPUExecutionProvider"])
        entry = self.session.get_inputs()[0]
        self.input, self.channels_last = entry.name, entry.shape[-1] == 1
        self.side = next(axis for axis in entry.shape[1:] if isinstance(axis, int) and axis > 3)

    def search(self, frame: np.ndarray) -> np.ndarray:
        _, faces = self.detector.detect(cv2.resize(frame, SEARCHED, interpolation=cv2.INTER_AREA))
        assert faces is not None and len(faces) == 1, "YuNet has to find the one face"
        return faces[0, :4] * (SIZE[0] / SEARCHED[0])

    def classify(self, frame: np.ndarray, box: np.ndarray) -> np.ndarray:
        x, y, width, height = box.round().astype(int)
        grey = cv2.cvtColor(frame[y:y + height, x:x + width], cv2.COLOR_BGR2GRAY)
        values = (cv2.resize(grey, (self.side, self.side)).astype(np.float32) / 255 - 0.5) * 2
        values = values[None, :, :, None] if self.channels_last else values[None, None]
        return self.session.run(None, {self.input: values})[0]


def fastest(work, runs: int) -> float:
    """Minimum CPU time of a run, ms."""
    best = float("inf")
    for _ in range(runs):
        start = time.thread_time()
        work()
        best = min(best, time.thread_time() - start)
    return best * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yunet", required=True, help="YuNet's ONNX graph as OpenCV's model zoo has it")
    parser.add_argument("--classifier", required=True, help="an ONNX graph of one grey square")
    parser.add_argument("--badge", default=ROOT / "target/release/emocue-badge", help="our program")
    parser.add_argument("--bundle", help="another bundle than the default one")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    frame, peer = portrait(), Peer(args.yunet, args.classifier)
    box = peer.search(frame)
    ours, theirs = {}, {}
    for _ in range(args.rounds):
        command = [args.badge, "bench", "--json", "--frames", "60"] + (["--bundle", args.bundle] if args.bundle else [])
        report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        stages = {name: stage["min_ms"] for name, stage in report["stages"].items()}
        now = {"search": stages["detect"], "search and classify": stages["detect"] + stages["classify"],
               "a frame of a stream": report["stream"]["min_ms"]}
        ours = {name: min(value, ours.get(name, value)) for name, value in now.items()}
        search, classify = fastest(lambda: peer.search(frame), 60), fastest(lambda: peer.classify(frame, box), 60)
        now = {"search": search, "search and classify": search + classify, "a frame of a stream": search + classify}
        theirs = {name: min(value, theirs.get(name, value)) for name, value in now.items()}
    print(f"{'CPU time of ours by theirs':28}OpenCV {cv2.__version__}, ONNX Runtime {onnxruntime.__version__}")
    for name in ours:
        print(f"{name:28}{ours[name] / theirs[name]:.3f}")


if __name__ == "__main__":
    main()
