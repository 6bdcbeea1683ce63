package hosts

import (
	"os/exec"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	for want, argv := range map[string][]string{
		`'a'`:                {"a"},
		`'a' '' 'b c'`:       {"a", "", "b c"},
		`'it'\''s' '$x' '"'`: {"it's", "$x", `"`},
	} {
		if got, err := commandLine(argv); err != nil || got != want {
			t.Errorf("commandLine(%q) = %s, %v, want %s", argv, got, err, want)
		}
	}
	for _, bad := range [][]string{nil, {""}, {"a", "b\x00"}} {
		if got, err := commandLine(bad); err == nil {
			t.Errorf("commandLine(%q) = %s", bad, got)
		}
	}
}

// Whatever the argument, a shell hands it on as it is.
func FuzzCommandLine(f *testing.F) {
	for _, s := range []string{"", "'", `\'`, "a b", "$(id)", "\n", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		line, err := commandLine([]string{"printf", "%s", arg})
		if strings.IndexByte(arg, 0) >= 0 {
			if err == nil {
				t.Fatal("a NUL byte was accepted")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("/bin/sh", "-c", line).Output()
		if err != nil || string(out) != arg {
			t.Errorf("%q came back as %q, %v", arg, out, err)
		}
	})
}
