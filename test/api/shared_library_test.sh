#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What libmace.so exports and needs, and how large it is once stripped.
set -eu
library="$1"
list="$2"

if objdump -p "$library" | grep -Eq 'NEEDED +lib(a|t|ub)san'; then
  echo "a build with a sanitizer is not what is delivered: nothing to check"
  exit 0
fi

# Names without parameters and tags of the C++ library, as the list has them.
exported="$(nm -DC --defined-only "$library" |
  sed -e 's/^[0-9a-f]* . //' -e 's/(.*//' -e 's/\[abi:[a-z0-9]*\]//g' | LC_ALL=C sort -u)"
printf '%s\n' "$exported" > "$TEST_TMPDIR/exported"
grep -Ev '^(#|$)' "$list" | LC_ALL=C sort -u > "$TEST_TMPDIR/listed"
if ! diff "$TEST_TMPDIR/listed" "$TEST_TMPDIR/exported"; then
  echo "libmace.so exports (>) other names than mace/libmace/exported_symbols.txt lists (<)"
  exit 1
fi
for function in $(grep -o '\bmace_[a-z_]*(' mace/public/mace_c.h | tr -d '(' | sort -u); do
  if ! nm -D --defined-only "$library" | grep -q " T $function\$"; then
    echo "libmace.so lacks $function of mace_c.h"
    exit 1
  fi
done

needed="$(objdump -p "$library" | sed -n 's/ *NEEDED *//p' |
  grep -Ev '^(lib(c|m|stdc\+\+|gcc_s|dl|pthread)\.so|ld-linux)' || true)"
if [ -n "$needed" ]; then
  echo "libmace.so needs more than the C and C++ libraries: $needed"
  exit 1
fi

strip -o "$TEST_TMPDIR/stripped.so" "$library"
size="$(wc -c < "$TEST_TMPDIR/stripped.so")"
echo "$size bytes"
if [ "$size" -gt 1258291 ]; then
  echo "libmace.so has $size bytes stripped, more than 1.2 MB"
  exit 1
fi
