package opref

import (
	"errors"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		arg  string
		want Ref
		bad  bool
	}{
		{arg: "drain-x7k2p", want: Ref{Name: "drain-x7k2p"}},
		{arg: "operation/drain-x7k2p", want: Ref{Name: "drain-x7k2p"}},
		{arg: "operations/drain-x7k2p", want: Ref{Name: "drain-x7k2p"}},
		{arg: "op/drain-x7k2p", want: Ref{Name: "drain-x7k2p"}},
		{arg: "ops/drain-x7k2p", want: Ref{Name: "drain-x7k2p"}},
		{arg: "Operation/drain-x7k2p", want: Ref{Name: "drain-x7k2p"}},
		{arg: "operation.kanrin.dev/drain-x7k2p", want: Ref{Name: "drain-x7k2p"}},
		{arg: "demo/drain-x7k2p", want: Ref{Cluster: "demo", Name: "drain-x7k2p"}},
		{arg: "demo/op/drain-x7k2p", want: Ref{Cluster: "demo", Name: "drain-x7k2p"}},
		{arg: "op/op/op", want: Ref{Cluster: "op", Name: "op"}},
		{arg: "op/op", want: Ref{Name: "op"}},
		{arg: "", bad: true},
		{arg: "/", bad: true},
		{arg: "/x", bad: true},
		{arg: "x/", bad: true},
		{arg: "//x", bad: true},
		{arg: "op/", bad: true},
		{arg: "demo/pod/x", bad: true},
		{arg: "a/op/b/c", bad: true},
		{arg: "Drain", bad: true},
		{arg: "demo.x/drain", bad: true},
		{arg: "demo/../x", bad: true},
		{arg: "drain x", bad: true},
		{arg: "drain\n", bad: true},
	} {
		got, err := Parse(tc.arg)
		if tc.bad {
			if !errors.Is(err, ErrForm) {
				t.Errorf("Parse(%q) = %+v, %v; want ErrForm", tc.arg, got, err)
			}
			continue
		}
		if err != nil || got != tc.want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", tc.arg, got, err, tc.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"x", "op/x", "demo/x", "demo/op/x", "a/b/c/d", "", "/", "\x00", "ö/é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		r, err := Parse(arg)
		if err != nil {
			if !errors.Is(err, ErrForm) {
				t.Fatalf("Parse(%q): %v is not ErrForm", arg, err)
			}
			return
		}
		again, err := Parse(r.String())
		if err != nil || again != r {
			t.Fatalf("Parse(%q) = %+v, but Parse(%q) = %+v, %v", arg, r, r.String(), again, err)
		}
	})
}
