// Judges an audit log by the packages that Go's own checksum database is checked with: golang.org/x/mod/sumdb/note and
// .../tlog. Knows of the product only the files' form.
//
//	audit-log KEY record PROOF LINE   the record is in the log
//	audit-log KEY growth PROOF OLD    the log goes on from an earlier checkpoint
//	audit-log KEY folder FOLDER       all records of a folder make the tree of every checkpoint in it
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](value T, err error) T {
	if err != nil {
		fail("%v", err)
	}
	return value
}

func fail(format string, parts ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", parts...)
	os.Exit(1)
}

// opened is the tree of a checkpoint, once its signature counts.
func opened(text string, verifier note.Verifier) tlog.Tree {
	signed := must(note.Open([]byte(text), note.VerifierList(verifier)))
	lines := strings.Split(signed.Text, "\n")
	if lines[0] != verifier.Name() {
		fail("the checkpoint is of %q", lines[0])
	}
	return tlog.Tree{N: must(strconv.ParseInt(lines[1], 10, 64)), Hash: must(tlog.ParseHash(lines[2]))}
}

func hashes(lines []string) []tlog.Hash {
	var all []tlog.Hash
	for _, line := range lines {
		all = append(all, must(tlog.ParseHash(line)))
	}
	return all
}

func main() {
	verifier := must(note.NewVerifier(strings.TrimSpace(string(must(os.ReadFile(os.Args[1]))))))
	text := ""
	if os.Args[2] != "folder" {
		text = string(must(os.ReadFile(os.Args[3])))
	}
	head, checkpoint, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimSuffix(head, "\n"), "\n")
	switch os.Args[2] {
	case "record":
		record := must(os.ReadFile(os.Args[4]))
		index := must(strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64))
		tree := opened(checkpoint, verifier)
		if err := tlog.CheckRecord(hashes(lines[2:]), tree.N, tree.Hash, index, tlog.RecordHash(record)); err != nil {
			fail("record %d: %v", index, err)
		}
	case "growth":
		old := opened(string(must(os.ReadFile(os.Args[4]))), verifier)
		tree := opened(checkpoint, verifier)
		if err := tlog.CheckTree(hashes(lines[1:]), tree.N, tree.Hash, old.N, old.Hash); err != nil {
			fail("growth: %v", err)
		}
	case "folder":
		fmt.Println(folder(os.Args[3], verifier))
	default:
		fail("what is %q?", os.Args[2])
	}
}

// folder builds the tree of all records and compares it with every checkpoint; it returns how many there were.
func folder(path string, verifier note.Verifier) int {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	files := must(filepath.Glob(filepath.Join(path, "*.jsonl")))
	sort.Strings(files)
	count := int64(0)
	for _, file := range files {
		for _, line := range bytes.Split(bytes.TrimSuffix(must(os.ReadFile(file)), []byte("\n")), []byte("\n")) {
			stored = append(stored, must(tlog.StoredHashes(count, line, reader))...)
			count++
		}
	}
	checked := 0
	for _, file := range must(filepath.Glob(filepath.Join(path, "*.checkpoints"))) {
		lines := strings.SplitAfter(string(must(os.ReadFile(file))), "\n")
		for i := 0; i+5 <= len(lines); i += 5 {
			tree := opened(strings.Join(lines[i:i+5], ""), verifier)
			if root := must(tlog.TreeHash(tree.N, reader)); root != tree.Hash {
				fail("%d records have another root: %s", tree.N, base64.StdEncoding.EncodeToString(root[:]))
			}
			checked++
		}
	}
	return checked
}
