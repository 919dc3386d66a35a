#!/usr/bin/env bash
# Instructions of a few pieces of work on one thread, counted by callgrind: unlike times, the same on a busy machine.
# Usage: scripts/instructions.sh            prints the table; `> scripts/instructions.tsv` keeps it
#        scripts/instructions.sh --check    compares with that file: a case may differ by 2 %
# Valgrind, which is installed with apt where it is missing, as root, knows AVX2 and FMA. Another compiler or instruction
# set than the file's makes other counts, of which --check only warns.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1-} in
    '' | --check) ;;
    *) sed -n '3,4s/^# //p' "$0" >&2; exit 2 ;;
esac
. scripts/targets.sh
command -v valgrind >/dev/null || { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && install valgrind; } || true
if ! command -v valgrind >/dev/null; then
    echo "SKIPPED: no valgrind here (apt install valgrind)" >&2
    exit 0
fi
# Callgrind finds the functions to count by their names.
CARGO_PROFILE_RELEASE_STRIP=none cargo build --quiet --release -p runner --example instructions
program=${CARGO_TARGET_DIR:-target}/release/examples/instructions

# Case and instructions, a line each, after the compiler and the instruction set.
count() {
    local cases log isa='' rows=''
    mapfile -t cases < <("$program")
    for name in "${cases[@]}"; do
        log=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null \
            --collect-atstart=no --toggle-collect='instructions::counted*' "$program" "$name" 2>&1)
        isa=$(grep -v '^==' <<<"$log")
        rows+=$name$'\t'$(sed -n 's/^==.*Collected : //p' <<<"$log")$'\n'
    done
    printf '# %s %s\n%s' "$(rustc --version | cut -d ' ' -f 1,2)" "$isa" "$rows"
}

if [ $# -eq 0 ]; then
    count
    exit
fi
kept=scripts/instructions.tsv
now=$(count)
echo "$now"
awk -F '\t' -v kept="$kept" '
    function warn(text) { print "instructions: " text > "/dev/stderr" }
    /^#/ { if (NR == FNR) head = $0; else other = $0 != head; next }
    NR == FNR { was[$1] = $2; next }
    !($1 in was) { warn($1 " is not in " kept); bad = 1; next }
    {
        percent = 100 * ($2 / was[$1] - 1)
        if (percent > 2 || percent < -2) {
            warn(sprintf("%s takes %.1f %% %s instructions than %s says (%d, not %d)", $1,
                percent < 0 ? -percent : percent, percent < 0 ? "fewer" : "more", kept, $2, was[$1]))
            bad = 1
        }
        delete was[$1]
    }
    END {
        for (name in was) { warn(name " of " kept " was not counted"); bad = 1 }
        if (!bad) exit 0
        if (other) { warn("the file is of " substr(head, 3) ": only a warning"); exit 0 }
        warn("if that is meant: scripts/instructions.sh > " kept)
        exit 1
    }' "$kept" - <<<"$now"
