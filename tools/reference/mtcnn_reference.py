"""Records the detections of the reference MTCNN on luma pictures.

    pip install facenet-pytorch==2.6.0
    python mtcnn_reference.py PICTURE... > mtcnn_reference.json

Each picture's BT.601 luma is copied to three channels, so that the reference has the same input as the badge.
Boxes have the reference's convention: [x1, y1, x2, y2] with the first pixel 1, last pixel included. Landmarks are px
from the picture's top left corner.
"""

import json
import os
import sys

import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image

SETTINGS = {"min_face": 40, "factor": 0.709, "thresholds": [0.6, 0.7, 0.7]}


def main():
    torch.set_num_threads(1)
    mtcnn = MTCNN(
        keep_all=True,
        min_face_size=SETTINGS["min_face"],
        factor=SETTINGS["factor"],
        thresholds=SETTINGS["thresholds"],
    )
    pictures = {}
    for path in sys.argv[1:]:
        luma = np.asarray(Image.open(path).convert("RGB").convert("L"))
        boxes, scores, landmarks = mtcnn.detect(np.stack([luma] * 3, axis=-1), landmarks=True)
        faces = [] if boxes[0] is None else zip(boxes, scores, landmarks)
        pictures[os.path.basename(path)] = {
            "size": [luma.shape[1], luma.shape[0]],
            "faces": [
                {
                    "box": [round(float(v), 3) for v in box],
                    "score": round(float(score), 6),
                    "landmarks": [[round(float(v), 3) for v in point] for point in points],
                }
                for box, score, points in faces
            ],
        }
    made = f"facenet-pytorch 2.6.0, torch {torch.__version__.split('+')[0]}, tools/reference/mtcnn_reference.py"
    json.dump({"made_with": made, "settings": SETTINGS, "pictures": pictures}, sys.stdout, indent=1)
    print()


main()
