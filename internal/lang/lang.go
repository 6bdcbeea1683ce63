// Package lang renders sentences in English and Japanese from one catalogue that the CLI, the server and the console share.
//
// The catalogue is a set of flat JSON files, catalog/<language>/<area>.json, key to sentence. A sentence may hold
//
//	{name}            the parameter as it is
//	{name|pod|pods}   "pod" when the parameter is 1, else "pods" (the number itself is not printed)
//	{name:duration}   seconds as "3 min 24 s" / "3 分 24 秒"
//	{name:bytes}      bytes as "1.5 GiB"
//
// The console reads the same files at build time (web/src/lang.ts implements the same forms). Invariant: both languages have
// the same keys with the same parameters; a test says which one is missing.
package lang

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
)

//go:embed catalog
var files embed.FS

// Lang is a language of the human output.
type Lang string

const (
	English  Lang = "en"
	Japanese Lang = "ja"
)

// FromEnv chooses by KANRIN_LANG, then LC_ALL, LC_MESSAGES and LANG, as gettext would; English when none asks for Japanese.
func FromEnv() Lang {
	for _, name := range []string{"KANRIN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			if strings.HasPrefix(v, "ja") {
				return Japanese
			}
			return English
		}
	}
	return English
}

var load = sync.OnceValue(func() map[Lang]map[string]string {
	out := map[Lang]map[string]string{}
	for _, l := range []Lang{English, Japanese} {
		out[l] = map[string]string{}
		names, err := fs.Glob(files, path.Join("catalog", string(l), "*.json"))
		if err != nil {
			panic(err) // the pattern is a constant
		}
		sort.Strings(names)
		for _, name := range names {
			data, err := files.ReadFile(name)
			if err != nil {
				panic(err) // embedded: cannot be missing
			}
			var m map[string]string
			if err := json.Unmarshal(data, &m); err != nil {
				panic(fmt.Sprintf("catalogue %s: %v", name, err)) // built in; the test of this package reads every file
			}
			for k, v := range m {
				if _, twice := out[l][k]; twice {
					panic(fmt.Sprintf("catalogue %s: key %q stands twice", name, k))
				}
				out[l][k] = v
			}
		}
	}
	return out
})

// Has reports whether the key exists.
func (l Lang) Has(key string) bool {
	_, ok := load()[l][key]
	return ok
}

// Text renders the sentence of key. A key that a language lacks falls back to English, and then to the key itself.
func (l Lang) Text(key string, params map[string]string) string {
	all := load()
	s, ok := all[l][key]
	if !ok {
		if s, ok = all[English][key]; !ok {
			return key
		}
	}
	return l.render(s, params)
}

// T is Text with the parameters as name, value, name, value …
func (l Lang) T(key string, pairs ...any) string {
	return l.Text(key, P(pairs...))
}

// P makes parameters from name, value, name, value …
func P(pairs ...any) map[string]string {
	if len(pairs)%2 != 0 {
		panic("lang: odd number of name, value arguments")
	}
	m := make(map[string]string, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		m[fmt.Sprint(pairs[i])] = fmt.Sprint(pairs[i+1])
	}
	return m
}

var placeholder = regexp.MustCompile(`\{([a-zA-Z]+)(?::(duration|bytes)|\|([^{}|]*)\|([^{}|]*))?\}`)

func (l Lang) render(s string, params map[string]string) string {
	return placeholder.ReplaceAllStringFunc(s, func(m string) string {
		p := placeholder.FindStringSubmatch(m)
		v, ok := params[p[1]]
		if !ok {
			return m
		}
		switch {
		case p[2] == "duration":
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return v
			}
			return l.Duration(n)
		case p[2] == "bytes":
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return v
			}
			return Bytes(n)
		case strings.Contains(m, "|"):
			if v == "1" {
				return p[3]
			}
			return p[4]
		}
		return v
	})
}

// Duration writes whole seconds as people say them: "8 s", "3 min 24 s", "2 h 5 min", "3 d 4 h".
func (l Lang) Duration(seconds int64) string {
	u := [4]string{" d", " h", " min", " s"}
	if l == Japanese {
		u = [4]string{" 日", " 時間", " 分", " 秒"}
	}
	sign := ""
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	d, h, m, s := seconds/86400, seconds/3600%24, seconds/60%60, seconds%60
	two := func(a int64, ua string, b int64, ub string) string {
		if b == 0 {
			return fmt.Sprintf("%s%d%s", sign, a, ua)
		}
		return fmt.Sprintf("%s%d%s %d%s", sign, a, ua, b, ub)
	}
	switch {
	case d > 0:
		return two(d, u[0], h, u[1])
	case h > 0:
		return two(h, u[1], m, u[2])
	case m > 0:
		return two(m, u[2], s, u[3])
	}
	return fmt.Sprintf("%s%d%s", sign, s, u[3])
}

// Bytes writes a size in binary units: "512 B", "1.5 GiB".
func Bytes(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	f, i := float64(n), 0
	for (f >= 1024 || f <= -1024) && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 || f == float64(int64(f)) {
		return fmt.Sprintf("%d %s", int64(f), units[i])
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}
