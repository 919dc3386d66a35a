#!/usr/bin/env bash
# The tests of ONNX's operators, for tests/semantics/tests/onnx: fetch_onnx.sh [FOLDER]. They are data in the Python
# package onnx, of which nothing else is unpacked or installed. Prints the folder. PYTHON names an interpreter that has pip,
# of any version and platform.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
folder=${1:-${CARGO_TARGET_DIR:-target}/onnx-1.21.0}
if [ -d "$folder" ]; then
    (cd "$folder" && pwd)
    exit
fi
new=$folder.$$
trap 'rm -rf "$new"' EXIT
mkdir -p "$new"

# One wheel is asked for by name, whatever runs here, so that there is one sum; pip checks it.
sum=a9261bd580fb8548c9c37b3c6750387eb8f21ea43c63880d37b2c622e1684285
echo "onnx==1.21.0 --hash=sha256:$sum" >"$new/requirements.txt"
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --implementation cp --python-version 3.12 --abi abi3 --platform manylinux_2_28_x86_64 \
    --require-hashes --requirement "$new/requirements.txt" --dest "$new"
"$python" - "$new" <<'END'
import pathlib, sys, zipfile

new = pathlib.Path(sys.argv[1])
(wheel,) = new.glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    names = [name for name in archive.namelist() if name.startswith("onnx/backend/test/data/node/")]
    archive.extractall(new, names)
END
mv "$new/onnx/backend/test/data/node" "$folder"
(cd "$folder" && pwd)
