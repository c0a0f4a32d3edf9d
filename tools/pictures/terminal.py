#!/usr/bin/env python3
"""Draws the terminal output of a program as an SVG picture.

    cargo build --release
    python3 tools/pictures/terminal.py --programs target/release -o docs/pictures/terminal.svg emocue-badge demo

The program runs in a pseudoterminal (Linux, macOS); the picture shows the screen at the end. Lines appear one after the
other, or all at once for viewers with reduced motion. Braille patterns, which form the panel, are drawn as dots, so
that no font needs them. Uses only Python's standard library.
"""
import argparse
import errno
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from xml.sax.saxutils import escape

CELL = (8, 16)
"""Width and height of a character in px; a braille dot is a quarter of the height."""
PADDING = 16
BACKGROUND, TEXT, DOTS, PROMPT = "#0b0f14", "#c9d4dc", "#d9efff", "#7fb3d0"
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BRAILLE = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
"""Column and row of each bit's dot."""


def printed(command: list[str], programs: str, columns: int, rows: int) -> str:
    """Everything that the command writes to its terminal."""
    host, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    path = os.pathsep.join([os.path.abspath(programs), os.environ.get("PATH", "")])
    environment = dict(os.environ, PATH=path, TERM="xterm-256color", LANG="C.UTF-8", LC_ALL="C.UTF-8")
    # The name without its folder, as a user types it.
    program = next((found for folder in path.split(os.pathsep)
                    if os.access(found := os.path.join(folder, command[0]), os.X_OK)), None)
    if program is None:
        sys.exit(f"{command[0]} is not in {programs}\nhelp: cargo build --release")
    child = subprocess.Popen(command, executable=program, stdin=terminal, stdout=terminal, stderr=terminal,
                             env=environment)
    os.close(terminal)
    output = b""
    while True:
        try:
            part = os.read(host, 1 << 16)
        except OSError as error:
            if error.errno != errno.EIO:  # the end of output on Linux
                raise
            part = b""
        if not part:
            break
        output += part
    if child.wait() != 0:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{output.decode(errors='replace')}")
    return output.decode()


def screen(output: str, columns: int) -> list[str]:
    """The lines on the terminal at the end."""
    lines, row, column = [[]], 0, 0
    at = 0
    while at < len(output):
        found = SEQUENCE.match(output, at)
        if found:
            sequence, at = found.group(), found.end()
            if sequence.endswith("K"):
                del lines[row][column:]
            elif sequence[-1] not in "mhl":  # colours and modes
                sys.exit(f"{sequence!r} moves the cursor, which this program does not draw")
            continue
        mark, at = output[at], at + 1
        if mark == "\r":
            column = 0
        elif mark == "\n":
            row += 1
            lines += [[]] if row == len(lines) else []
        elif mark == "\x1b":
            sys.exit("an escape sequence that this program does not know")
        else:
            if column == columns:
                sys.exit(f"a line has more than {columns} characters\nhelp: --size COLUMNSxROWS")
            line = lines[row]
            line += " " * (column + 1 - len(line))
            line[column] = mark
            column += 1
    texts = ["".join(line).rstrip() for line in lines]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def dots(line: str, row: int) -> str:
    """An SVG path of the braille dots in a line; adjacent dots are one rectangle."""
    side, path = CELL[1] // 4, []
    for y in range(4):
        lit = {x * 2 + BRAILLE[bit][0] for x, mark in enumerate(line) if "\u2800" <= mark <= "\u28ff"
               for bit in range(8) if (ord(mark) - 0x2800) >> bit & 1 and BRAILLE[bit][1] == y}
        for start in sorted(x for x in lit if x - 1 not in lit):
            length = next(n for n in range(1, len(lit) + 1) if start + n not in lit)
            path.append(f"M{start * side} {row * CELL[1] + y * side}h{length * side}v{side}h-{length * side}z")
    return "".join(path)


def drawn(command: str, lines: list[str]) -> str:
    """The SVG file."""
    shown = [f"$ {command}"] + lines
    width = max(map(len, shown)) * CELL[0] + 2 * PADDING
    height = len(shown) * CELL[1] + 2 * PADDING
    # All lines of a panel appear in one step; steps are half a second apart.
    steps, body, before = 0, [], ""
    for row, line in enumerate(shown):
        panel = any("\u2800" <= mark <= "\u28ff" for mark in line)
        kind = "prompt" if row == 0 else "dots" if panel else "text"
        if kind != before:
            steps += 0 if before in ("", "dots") else 1
            body += ["</g>"] if before else []
            body.append(f'<g class="{kind}" style="animation-delay:{0.5 * steps + 0.5 * (row > 0):g}s">')
            before = kind
        if panel:
            path = dots(line, row)
            body += [f'<path d="{path}"/>'] if path else []
        elif line:
            text = line.lstrip(" ")
            body.append(f'<text x="{(len(line) - len(text)) * CELL[0]}" y="{row * CELL[1] + 12}" '
                        f'textLength="{len(text) * CELL[0]}">{escape(text)}</text>')
    spoken = escape("\n".join(text for text in lines if text and not "\u2800" <= text[0] <= "\u28ff"))
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="title spoken">',
        f'<title id="title">A terminal: {escape(command)}</title>',
        f'<desc id="spoken">{spoken}</desc>',
        "<style>",
        "text { font: 13.3px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre }",
        f".text {{ fill: {TEXT} }} .prompt {{ fill: {PROMPT} }} .dots {{ fill: {DOTS}; shape-rendering: crispEdges }}",
        "@media (prefers-reduced-motion: no-preference) { g g { animation: appear 1ms backwards } }",
        "@keyframes appear { from { opacity: 0 } }",
        "</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
        f'<g transform="translate({PADDING} {PADDING})">',
        *body,
        "</g>",
        "</g>",
        "</svg>",
        "",
    ])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", default="target/release", help="the folder with the program")
    parser.add_argument("--size", default="110x32", help="columns and rows of the terminal")
    parser.add_argument("-o", "--out", required=True, help="the picture, an SVG file")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run")
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("expected a command")
    columns, rows = (int(number) for number in arguments.size.split("x"))
    lines = screen(printed(arguments.command, arguments.programs, columns, rows), columns)
    with open(arguments.out, "w", encoding="utf-8") as file:
        file.write(drawn(" ".join(arguments.command), lines))


if __name__ == "__main__":
    main()
