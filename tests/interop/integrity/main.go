// SPDX-License-Identifier: Apache-2.0

// The other side of test_integrity.py: what the modules of the Go checksum database and of
// transparency.dev make of our trees, notes and proofs, and what they write for us to read.
//
// Usage: integrity check DIR    reads what integrity_vectors made, fails at the first difference
//
//	integrity make DIR     writes the same kinds of files
//
// The leaves of all trees are the decimal texts of their indices.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	tlog "github.com/transparency-dev/formats/log"
	cosign "github.com/transparency-dev/formats/note"
	tproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
	"golang.org/x/mod/sumdb/note"
)

const leaves = 130

var hasher = rfc6962.DefaultHasher

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func read(dir, name string) []byte { return must(os.ReadFile(filepath.Join(dir, name))) }

func write(dir, name, text string) {
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
}

func leafHash(index uint64) []byte {
	return hasher.HashLeaf([]byte(strconv.FormatUint(index, 10)))
}

func tree() *testonly.Tree {
	made := testonly.New(hasher)
	for i := uint64(0); i < leaves; i++ {
		made.Append(leafHash(i))
	}
	return made
}

func rangeOf(first, end uint64) *compact.Range {
	made := (&compact.RangeFactory{Hash: hasher.HashChildren}).NewEmptyRange(first)
	for i := first; i < end; i++ {
		if err := made.Append(leafHash(i), nil); err != nil {
			log.Fatal(err)
		}
	}
	return made
}

// A line of vectors.txt: a word, two numbers, hashes in base64.
func vector(word string, a, b uint64, hashes [][]byte) string {
	line := fmt.Sprintf("%s %d %d", word, a, b)
	for _, hash := range hashes {
		line += " " + base64.StdEncoding.EncodeToString(hash)
	}
	return line + "\n"
}

func same(a, b [][]byte) bool {
	return vector("", 0, 0, a) == vector("", 0, 0, b)
}

func checkVector(all *testonly.Tree, word string, a, b uint64, hashes [][]byte) error {
	switch word {
	case "root":
		if !same(hashes, [][]byte{all.HashAt(b)}) {
			return fmt.Errorf("another root")
		}
		return nil
	case "inclusion":
		if !same(hashes, must(all.InclusionProof(a, b))) {
			return fmt.Errorf("another proof")
		}
		return proof.VerifyInclusion(hasher, a, b, leafHash(a), hashes, all.HashAt(b))
	case "consistency":
		if !same(hashes, must(all.ConsistencyProof(a, b))) {
			return fmt.Errorf("another proof")
		}
		return proof.VerifyConsistency(hasher, a, b, hashes, all.HashAt(a), all.HashAt(b))
	case "range":
		if !same(hashes, rangeOf(a, b).Hashes()) {
			return fmt.Errorf("another range")
		}
		return nil
	}
	return fmt.Errorf("unknown word")
}

func checkVectors(dir string) int {
	all := tree()
	count := 0
	lines := bufio.NewScanner(strings.NewReader(string(read(dir, "vectors.txt"))))
	lines.Buffer(nil, 1<<20)
	for ; lines.Scan(); count++ {
		words := strings.Fields(lines.Text())
		a, b := must(strconv.ParseUint(words[1], 10, 64)), must(strconv.ParseUint(words[2], 10, 64))
		hashes := [][]byte{}
		for _, word := range words[3:] {
			hashes = append(hashes, must(base64.StdEncoding.DecodeString(word)))
		}
		if err := checkVector(all, words[0], a, b, hashes); err != nil {
			log.Fatalf("%s: %v", lines.Text(), err)
		}
	}
	return count
}

func text(dir, name string) string { return strings.TrimSpace(string(read(dir, name))) }

func check(dir string) {
	fmt.Printf("%d vectors\n", checkVectors(dir))
	logKey := must(note.NewVerifier(text(dir, "log.vkey")))
	epochKey := must(note.NewVerifier(text(dir, "epoch.vkey")))
	checkpoint := read(dir, "checkpoint")
	parsed, _, opened, err := tlog.ParseCheckpoint(checkpoint, logKey.Name(), logKey, epochKey)
	if err != nil {
		log.Fatal(err)
	}
	if len(opened.Sigs) != 2 || len(opened.UnverifiedSigs) != 0 || parsed.Size != leaves {
		log.Fatalf("signatures: %v, size %d", opened.Sigs, parsed.Size)
	}
	if string(parsed.Hash) != string(tree().Hash()) {
		log.Fatal("another root")
	}
	// Our private key signs the same, and is read.
	signer := must(note.NewSigner(text(dir, "log.key")))
	again := must(note.Sign(&note.Note{Text: opened.Text}, signer))
	if !strings.HasPrefix(string(checkpoint), string(again)) {
		log.Fatal("another signature")
	}
	var inclusion tproof.TLogProof
	if err := inclusion.Unmarshal(read(dir, "record.tlog-proof")); err != nil {
		log.Fatal(err)
	}
	path := [][]byte{}
	for _, hash := range inclusion.Hashes {
		path = append(path, hash[:])
	}
	if err := proof.VerifyInclusion(hasher, inclusion.Index, parsed.Size, leafHash(inclusion.Index),
		path, parsed.Hash); err != nil {
		log.Fatal(err)
	}
	if string(inclusion.Checkpoint) != string(checkpoint) || len(inclusion.ExtraData) != 41 {
		log.Fatal("another checkpoint or entry")
	}
}

func makeVectors() string {
	all := tree()
	lines := ""
	for b := uint64(0); b <= leaves; b++ {
		lines += vector("root", 0, b, [][]byte{all.HashAt(b)})
		for a := uint64(0); a < b; a += 1 + b/20 {
			lines += vector("inclusion", a, b, must(all.InclusionProof(a, b)))
			lines += vector("consistency", a, b, must(all.ConsistencyProof(a, b)))
			lines += vector("range", a, b, rangeOf(a, b).Hashes())
		}
	}
	return lines
}

func makeFiles(dir string) {
	write(dir, "vectors.txt", makeVectors())
	logSecret, logKey, err := note.GenerateKey(rand.Reader, "example.com/from/go")
	if err != nil {
		log.Fatal(err)
	}
	witnessSecret, witnessKey, err := note.GenerateKey(rand.Reader, "witness.example/go")
	if err != nil {
		log.Fatal(err)
	}
	witness := must(cosign.NewSignerForCosignatureV1(witnessSecret))
	checkpoint := tlog.Checkpoint{Origin: "example.com/from/go", Size: leaves, Hash: tree().Hash()}
	signed := must(note.Sign(&note.Note{Text: string(checkpoint.Marshal())},
		must(note.NewSigner(logSecret)), witness))
	write(dir, "checkpoint", string(signed))
	write(dir, "log.vkey", logKey)
	write(dir, "log.key", logSecret)
	write(dir, "witness.vkey", must(cosign.VKeyToCosignatureV1(witnessKey)))
	path := tproof.TLogProof{Index: 77, Checkpoint: signed, ExtraData: []byte("words")}
	for _, hash := range must(tree().InclusionProof(77, leaves)) {
		path.Hashes = append(path.Hashes, [32]byte(hash))
	}
	write(dir, "record.tlog-proof", string(path.Marshal()))
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 || (os.Args[1] != "check" && os.Args[1] != "make") {
		log.Fatal("usage: integrity check|make DIR")
	}
	if os.Args[1] == "check" {
		check(os.Args[2])
	} else {
		makeFiles(os.Args[2])
	}
}
