#!/bin/sh
# Installs Open WebUI into a virtual environment and prints the path of its command. Left out are the packages that
# compute on the machine itself (embeddings, speech, pictures): gigabytes that a chat does not need.
set -eu
venv=$1
version=0.12.4
local_models='^(accelerate|sentence-transformers|faster-whisper|onnxruntime|opencv-python-headless|rapidocr)[=<>!~ [;]'
if ! "$venv/bin/pip" show open-webui 2>/dev/null | grep -qx "Version: $version" || [ ! -e "$venv/whole" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --no-deps "open-webui==$version"
  "$venv/bin/python" -c 'import importlib.metadata as m; print("\n".join(m.requires("open-webui") or []))' |
    grep -v 'extra ==' | grep -vE "$local_models" >"$venv/requirements.txt"
  "$venv/bin/pip" install -q -r "$venv/requirements.txt" >&2
  touch "$venv/whole"
fi
echo "$venv/bin/open-webui"
