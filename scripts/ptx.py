"""Compiles a CUDA C file to PTX by NVRTC, which needs no GPU: ptx.py LIBNVRTC FILE.cu > FILE.ptx"""

import ctypes
import pathlib
import sys

# Every operation rounds once, to the nearest, subnormals included; what is fused says so (mt_fma).
FLAGS = ["-arch=compute_70", "-std=c++17", "-fmad=false", "-ftz=false", "-prec-div=true", "-prec-sqrt=true"]


def compile_ptx(nvrtc, path):
    """The PTX of a file, its headers being in the same folder."""

    def call(name, *arguments):
        status = getattr(nvrtc, name)(*arguments)
        if status != 0 and name != "nvrtcCompileProgram":
            sys.exit(f"{path}: {name} failed with status {status}")
        return status

    def text(name):
        size = ctypes.c_size_t()
        call(f"nvrtcGet{name}Size", program, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        call(f"nvrtcGet{name}", program, buffer)
        return buffer.value.decode()

    program = ctypes.c_void_p()
    source = path.read_bytes()
    call("nvrtcCreateProgram", ctypes.byref(program), source, path.name.encode(), 0, None, None)
    flags = [flag.encode() for flag in [*FLAGS, f"-I{path.parent}"]]
    if call("nvrtcCompileProgram", program, len(flags), (ctypes.c_char_p * len(flags))(*flags)) != 0:
        sys.exit(f"{path}: {text('ProgramLog')}")
    return text("PTX")


if __name__ == "__main__":
    library, file = sys.argv[1:]
    sys.stdout.write(compile_ptx(ctypes.CDLL(library), pathlib.Path(file)))
