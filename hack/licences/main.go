// Command licences checks that everything Kanrin is linked from may be distributed under Apache-2.0: every module's licence file is read
// and must be one of those that are known to allow it.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// allowed licences by a sentence that only they have. Order matters: the first that fits counts.
var allowed = []struct{ name, sentence string }{
	{"Apache-2.0", "Apache License"},
	{"MPL-2.0", "Mozilla Public License"}, // used unchanged, as modules of their own
	{"MIT", "Permission is hereby granted, free of charge"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software"},
	{"ISC", "Permission to use, copy, modify, and distribute this software"},
	{"BSD", "Redistribution and use in source and binary forms"},
	{"Unlicense", "This is free and unencumbered software released into the public domain"},
	{"CC0-1.0", "CC0 1.0 Universal"}, // the public domain
}

var refused = []string{"GNU AFFERO GENERAL PUBLIC LICENSE", "GNU GENERAL PUBLIC LICENSE", "Business Source License", "Server Side Public License"}

func main() {
	counts, problems, err := check()
	if err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, "licences:", p)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
	names := make([]string, 0, len(counts))
	for n, c := range counts {
		names = append(names, fmt.Sprintf("%s %d", n, c))
	}
	sort.Strings(names)
	fmt.Println("licences of linked modules:", strings.Join(names, ", "))
}

type module struct {
	Path, Dir string
	Main      bool
}

func check() (map[string]int, []string, error) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./cmd/kanrin").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("listing what is linked: %w", err)
	}
	linked := map[string]bool{}
	for _, p := range strings.Fields(string(out)) {
		linked[p] = true
	}
	out, err = exec.Command("go", "list", "-m", "-json", "all").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("listing modules: %w", err)
	}
	counts, problems := map[string]int{}, []string(nil)
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var m module
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return counts, problems, nil
		} else if err != nil {
			return nil, nil, fmt.Errorf("reading the list of modules: %w", err)
		}
		if m.Main || !linked[m.Path] {
			continue
		}
		name, err := licence(m.Dir)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", m.Path, err))
			continue
		}
		counts[name]++
	}
}

func licence(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "[LlCc][IiOo][CcPp][EeYy][NnIi]*"))
	if err != nil || len(files) == 0 {
		return "", errors.New("no licence file")
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			continue // a directory of licences; another file may do
		}
		text := strings.Join(strings.Fields(string(data)), " ")
		for _, a := range allowed {
			if strings.Contains(text, a.sentence) {
				return a.name, nil
			}
		}
		for _, r := range refused {
			if strings.Contains(text, r) {
				return "", fmt.Errorf("%s is not compatible", r)
			}
		}
	}
	return "", fmt.Errorf("unknown licence in %s", filepath.Base(files[0]))
}
