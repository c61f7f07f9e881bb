#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# verify.sh -- checks a Telltale evidence bundle without Telltale.
#
#   sh verify.sh KEY [DIRECTORY]
#
# KEY is the verifier key that you trust, of an epoch of the log (its first key, as a rule), as text
# "name+hash+base64" or as a file that has it.  It must not come from the bundle.  DIRECTORY is the
# unpacked bundle; without it, the place of this script.
#
# Needs a POSIX shell, coreutils, awk and openssl 1.1.1 or later.  README.txt says what each step
# proves.  Exit status: 0 all is right, 1 something is not, 2 it could not be checked.

set -u
LC_ALL=C
export LC_ALL
umask 077

say() { printf '%s\n' "$*"; }
no() { say "NO   $*"; exit 1; }
ok() { say "ok   $*"; }
cannot() { say "cannot check: $*" >&2; exit 2; }

[ $# -ge 1 ] && [ $# -le 2 ] || { say "usage: sh verify.sh KEY [DIRECTORY]" >&2; exit 2; }
for tool in awk openssl sha256sum base64 od sort cut cat mkdir mktemp rm ls head tail tr wc; do
    command -v "$tool" >/dev/null || cannot "there is no '$tool' here"
done
key=$1
if [ -f "$key" ]; then
    key=$(awk '!/^#/ && NF { print $1; exit }' "$key")
fi
cd "${2:-$(dirname "$0")}" || cannot "no such directory"
bundle=$(pwd)
[ -f manifest-sha256.txt ] || cannot "there is no manifest-sha256.txt in this directory"
work=$(mktemp -d) || cannot "no place for temporary files"
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

# --- 1. The files are those of the manifest, no more and no fewer ------------------------------

files="README.txt checkpoint.txt custody.json keys.jsonl proof.txt records.jsonl uncovered.jsonl
    uncovered.txt verify.py verify.sh"
for name in $files; do
    [ -f "$name" ] && [ ! -L "$name" ] || no "$name is missing"
    say "$name" >>"$work/expected"
done
ls -A | awk '$0 != "manifest-sha256.txt"' | sort >"$work/there"
sort "$work/expected" >"$work/sorted"
cut -c 67- manifest-sha256.txt | sort >"$work/listed"
[ "$(cat "$work/sorted")" = "$(cat "$work/there")" ] || no "there are files that belong to no bundle"
[ "$(cat "$work/sorted")" = "$(cat "$work/listed")" ] || no "manifest-sha256.txt does not list each file once"
sha256sum -c --strict --quiet manifest-sha256.txt >"$work/sums" 2>&1 ||
    no "a file is not what manifest-sha256.txt says"
ok "all files are as manifest-sha256.txt lists them"

# NUL bytes, which some shells and awks pass by, have no place in texts; nor has a line without end.
for name in checkpoint.txt keys.jsonl proof.txt records.jsonl; do
    [ "$(tr -d '\000' <"$name" | wc -c)" -eq "$(wc -c <"$name")" ] || no "$name has NUL bytes"
    [ -z "$(tail -c 1 "$name")" ] || no "$name ends within a line"
done

# --- 2. The keys lead from the trusted one to that of the checkpoint ---------------------------

# hex TEXT: base64 as hexadecimal digits
hex() { printf '%s' "$1" | base64 -d 2>/dev/null | od -An -v -tx1 | awk '{ gsub(/ /, ""); printf "%s", $0 }'; }

# take_key VKEY: "name+hash+base64" -> $work/key.der, $key_id, $vkey_name; fails if it is none
take_key() {
    vkey_name=${1%%+*}
    vkey_rest=${1#*+}
    vkey_hash=${vkey_rest%%+*}
    vkey_hex=$(hex "${vkey_rest#*+}")
    case $vkey_hex in 01*) ;; *) return 1 ;; esac
    [ ${#vkey_hex} -eq 66 ] || return 1
    { printf '%s\n' "$vkey_name"; printf '%s' "${vkey_rest#*+}" | base64 -d; } >"$work/named"
    key_id=$(sha256sum <"$work/named" | cut -c 1-8)
    [ "$key_id" = "$vkey_hash" ] || return 1
    {
        printf '\060\052\060\005\006\003\053\145\160\003\041\000'
        printf '%s' "${vkey_rest#*+}" | base64 -d | tail -c 32
    } >"$work/key.der"
}

# is_signed NOTE VKEY: whether the note in this file has a good signature of the key
is_signed() {
    take_key "$2" || return 1
    awk 'NF == 0 { exit } { print }' "$1" >"$work/text"
    signature=$(awk -v name="$vkey_name" 'body && $1 == "\342\200\224" && $2 == name { print $3 }
                                          NF == 0 { body = 1 }' "$1" | head -n 1)
    [ -n "$signature" ] || return 1
    [ "$(hex "$signature" | cut -c 1-8)" = "$key_id" ] || return 1
    printf '%s' "$signature" | base64 -d | tail -c +5 >"$work/signature"
    openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key.der" -rawin -in "$work/text" \
        -sigfile "$work/signature" >/dev/null 2>&1
}

take_key "$key" || cannot "the given key is no verifier key of type Ed25519"
origin=$(head -n 1 checkpoint.txt)
case $vkey_name in
"$origin"/epoch/*) ;;
*) cannot "the given key is not of an epoch of the log that the checkpoint names" ;;
esac
trusted_epoch=${vkey_name##*/}
epoch=$(awk -v start="$origin/epoch/" 'body && index($2, start) == 1 { print substr($2, length(start) + 1); exit }
                                       NF == 0 { body = 1 }' checkpoint.txt)
case $epoch in '' | *[!0-9]*) no "the checkpoint has no signature of an epoch's key" ;; esac
case $trusted_epoch in '' | *[!0-9]*) cannot "the given key is not of an epoch" ;; esac

# Certificates, a file each: the line is {"epoch":"NOTE"}.
mkdir "$work/certificates"
awk -v dir="$work/certificates" '
    index($0, "{\"epoch\":\"") == 1 {
        text = substr($0, 11, length($0) - 12)
        gsub(/\\n/, "\n", text)
        split(text, line, "\n")
        if (line[3] ~ /^[0-9]+$/ && !((line[3] + 0) in seen)) {
            seen[line[3] + 0] = 1
            name = dir "/" line[3]
            printf "%s", text > name
            close(name)
        }
    }' keys.jsonl

# certificate NUMBER: -> $vkey, $first_size
certificate() {
    [ -f "$work/certificates/$1" ] || return 1
    [ "$(head -n 1 "$work/certificates/$1")" = telltale.dev/epoch/v1 ] || return 1
    [ "$(awk 'NR == 2' "$work/certificates/$1")" = "$origin" ] || return 1
    vkey=$(awk 'NR == 4' "$work/certificates/$1")
    first_size=$(awk 'NR == 5' "$work/certificates/$1")
    case $first_size in '' | *[!0-9]*) return 1 ;; esac
    [ "${vkey%%+*}" = "$origin/epoch/$1" ]
}

at=$trusted_epoch
[ "$at" -le "$epoch" ] || no "the checkpoint is of epoch $epoch, from before the given key"
certificate "$at" || no "the chain of keys has no epoch $at"
[ "$vkey" = "$key" ] || no "the key of epoch $at is not the given one"
is_signed "$work/certificates/$at" "$vkey" || no "the certificate of epoch $at is not signed by its key"
begin=$first_size
while [ "$at" -lt "$epoch" ]; do
    before=$vkey
    at=$((at + 1))
    certificate "$at" || no "the chain of keys ends before epoch $at"
    is_signed "$work/certificates/$at" "$before" || no "the key of epoch $((at - 1)) did not sign that of epoch $at"
    is_signed "$work/certificates/$at" "$vkey" || no "the certificate of epoch $at is not signed by its key"
    [ "$first_size" -ge "$begin" ] || no "epoch $at begins before the one before it"
    begin=$first_size
done
ok "the keys lead from the given one, of epoch $trusted_epoch, to that of epoch $epoch"

# --- 3. The checkpoint is signed ----------------------------------------------------------------

is_signed checkpoint.txt "$vkey" || no "the checkpoint is not signed by the key of epoch $epoch"
size=$(awk 'NR == 2' checkpoint.txt)
root=$(awk 'NR == 3' checkpoint.txt)
case $size in '' | 0* | *[!0-9]*) no "the checkpoint has no size" ;; esac
[ "$size" -ge "$begin" ] || no "the checkpoint is smaller than the tree was when epoch $epoch began"
if certificate $((epoch + 1)); then
    [ "$size" -le "$first_size" ] || no "the key of epoch $epoch was destroyed before this checkpoint was made"
fi
ok "the checkpoint of $size records of $origin is signed by epoch $epoch"

# --- 4. Each record is in the tree that was signed ---------------------------------------------

# Reads a script of "printf 'bytes' >FILE" lines; each FILE's SHA-256 goes to $work/hashes as "FILE HEX".
mkdir "$work/n"
hash_files() {
    (cd "$work/n" && . "$work/script") | awk '{ print $2, $1 }' >>"$work/hashes" || exit 2
}

awk 'NR == 1 && $0 != "telltale-evidence/1" { exit 1 }
     NR == 1 { next }
     $1 == "record" && NF == 5 && !nodes && $2 ~ /^(0|[1-9][0-9]*)$/ && length($2) < 16 &&
         $3 ~ /^[0-9a-f]+$/ && length($3) == 16 && $4 ~ /^[0-9a-f]+$/ && length($4) == 32 { next }
     $1 == "node" && NF == 2 && $2 ~ /^[0-9a-f]+$/ && length($2) == 64 { nodes = 1; next }
     { exit 1 }' proof.txt || no "proof.txt is not what it should be"
count=$(awk '$1 == "record" { n++ } END { print n + 0 }' proof.txt)
lines=$(awk 'END { print NR }' records.jsonl)
[ "$count" = "$lines" ] || no "records.jsonl has $lines lines, and proof.txt is about $count records"
[ "$count" -gt 0 ] || no "there is no record that is proved"

# octal(HEX) of the awk programs below: digits as escapes for printf
octal='function octal(hex,   out, i, byte) {
    out = ""
    for (i = 1; i < length(hex); i += 2) {
        byte = (index("0123456789abcdef", substr(hex, i, 1)) - 1) * 16 + index("0123456789abcdef", substr(hex, i + 1, 1)) - 1
        out = out (byte == 37 ? "%%" : sprintf("\\%03o", byte))
    }
    return out
}
function make(name, text) {
    print "printf \047" text "\047 >" name
    batch = batch " " name
    if (++made % 200 == 0) finish()
}
function finish() {
    if (batch != "") print "sha256sum" batch "; rm -f" batch
    batch = ""
}'

# commitment = SHA-256(salt || line)
awk "$octal"' $1 == "record" { print "printf \047" octal($4) "\047 >c" ++n }' proof.txt >"$work/script"
(cd "$work/n" && . "$work/script") || exit 2
awk -v dir="$work/n/" 'BEGIN { ORS = "" } { name = dir "c" NR; print $0 >> name; close(name) }' records.jsonl
awk '$1 == "record" { batch = batch " c" ++n; if (n % 200 == 0) { print "sha256sum" batch "; rm -f" batch; batch = "" } }
     END { if (batch != "") print "sha256sum" batch "; rm -f" batch }' proof.txt >"$work/script"
: >"$work/hashes"
hash_files

# leaf = SHA-256(0 || 1 || sequence || commitment)
awk "$octal"' FILENAME == ARGV[1] { hash[$1] = $2; next }
     $1 == "record" { n++; make("l" n, "\\000\\001" octal($3 hash["c" n])) }
     END { finish() }' "$work/hashes" proof.txt >"$work/script"
: >"$work/hashes"
hash_files

# The tree over all records: which nodes come from which.  Leaves and given nodes have a hash; the
# others are SHA-256(1 || left || right).
awk -v size="$size" '
    function walk(first, end, depth,   id, middle, left, right) {
        if (next_record > records || place[next_record] >= end) {
            if (++used > nodes) bad = 1
            return "g" used
        }
        if (end - first == 1) return "l" next_record++
        for (middle = 1; middle * 2 < end - first; middle *= 2) ;
        left = walk(first, first + middle, depth + 1)
        right = walk(first + middle, end, depth + 1)
        id = "t" ++made
        print "join", depth, id, left, right
        return id
    }
    $1 == "record" { place[++records] = $2 + 0; if (records > 1 && place[records] <= place[records - 1]) bad = 1 }
    $1 == "node" { nodes++; print "hash", "g" nodes, $2 }
    END {
        if (bad || place[records] >= size + 0) exit 1
        next_record = 1
        print "top", walk(0, size + 0, 0)
        if (bad || used != nodes + 0) exit 1
    }' proof.txt >"$work/tree" || no "proof.txt does not have the nodes that its records need"
awk '$1 == "hash" { print $2, $3 }' "$work/tree" >>"$work/hashes"
depth=$(awk '$1 == "join" && $2 > max { max = $2 } END { print max + 0 }' "$work/tree")
while [ "$depth" -ge 0 ]; do
    awk -v depth="$depth" "$octal"' FILENAME == ARGV[1] { hash[$1] = $2; next }
         $1 == "join" && $2 == depth { make($3, "\\001" octal(hash[$4] hash[$5])) }
         END { finish() }' "$work/hashes" "$work/tree" >"$work/script"
    hash_files
    depth=$((depth - 1))
done
top=$(awk '$1 == "top" { print $2 }' "$work/tree")
found=$(awk -v top="$top" '$1 == top { print $2 }' "$work/hashes")
[ -n "$found" ] && [ "$found" = "$(hex "$root")" ] || no "the records are not those of the tree that was signed"
ok "all $count records of records.jsonl stand in the tree that was signed, at their places"

uncovered=$(awk 'END { print NR }' uncovered.jsonl)
[ "$uncovered" = 0 ] || say "note $uncovered records in uncovered.jsonl are not proved: uncovered.txt says why"
say "The bundle in $bundle is right."
