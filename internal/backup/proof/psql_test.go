package proof

import (
	"io"
	"strings"
	"testing"
)

func filtered(t testing.TB, in string) (string, *database) {
	t.Helper()
	d := &database{}
	r, done, err := newPsqlFilter(strings.NewReader(in), d)
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(string(out), "\n")
	return strings.ReplaceAll(rest, strings.TrimPrefix(first, `\restrict `), "KEY"), d
}

func TestPsqlFilter(t *testing.T) {
	const reconnect = "\\unrestrict KEY\n\\connect -reuse-previous=on %\n\\restrict KEY\n"
	for in, want := range map[string]string{
		"SELECT 1;\n":      "SELECT 1;\n",
		"no end":           "no end",
		"\\restrict abc\n": "", "\\unrestrict abc\n": "",
		"\\! id\n":                     "\\! id\n",
		"\\connect shop\n":             strings.ReplaceAll(reconnect, "%", `"dbname='shop'"`),
		"\\connect \"host=1.2.3.4\"\n": strings.ReplaceAll(reconnect, "%", `"dbname='host=1.2.3.4'"`),
		"\\connect -reuse-previous=on \"dbname='a b\\\\\\'\"\"c'\"\n":                                                                strings.ReplaceAll(reconnect, "%", `"dbname='a b\\\'""c'"`),
		"\\connect shop \\! id\n":                                                                                                    "\\connect shop \\! id\n",
		"\\connect -reuse-previous=on \"dbname='a' host='b'\"\n":                                                                     "\\connect -reuse-previous=on \"dbname='a' host='b'\"\n",
		"COPY public.t (a) FROM stdin;\n\\connect shop\n\\restrict x\n\\.\n\\restrict x\n":                                           "COPY public.t (a) FROM stdin;\n\\connect shop\n\\restrict x\n\\.\n",
		"CREATE DATABASE a WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'en_US.utf8';\n":              "CREATE DATABASE a WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C';\n",
		"CREATE TABLESPACE x OWNER y LOCATION '/etc/''x';\n":                                                                         "SET allow_in_place_tablespaces = on;\nCREATE TABLESPACE x OWNER y LOCATION '';\n",
		"CREATE ROLE app;\n-- Name: t; Type: TABLE; Schema: public; Owner: app\n":                                                    "CREATE ROLE app;\n-- Name: t; Type: TABLE; Schema: public; Owner: app\n",
		"-- Name: t; Type: TABLE; Schema: public; Owner: a\"b\n":                                                                     "CREATE ROLE \"a\"\"b\";\n-- Name: t; Type: TABLE; Schema: public; Owner: a\"b\n",
		"-- Name: TABLE t; Type: ACL; Schema: public; Owner: -\nGRANT SELECT ON TABLE t TO \"X\";\nGRANT ALL ON TABLE t TO \"X\";\n": "-- Name: TABLE t; Type: ACL; Schema: public; Owner: -\nCREATE ROLE \"X\";\nGRANT SELECT ON TABLE t TO \"X\";\nGRANT ALL ON TABLE t TO \"X\";\n",
	} {
		if got, _ := filtered(t, in); got != want {
			t.Errorf("%q\nis %q,\nnot %q", in, got, want)
		}
	}
}

// FuzzPsqlFilter: whatever a dump says, the restriction is lifted only around a connection to a database of the same server.
func FuzzPsqlFilter(f *testing.F) {
	for _, seed := range []string{
		"\\connect a\n", "\\connect \"a\"\"\n\"\n", "\\connect -reuse-previous=on \"dbname='a'\"\n", "COPY x FROM stdin;\n\\.\n", "\\unrestrict x\n", "\\encoding UTF8\n",
		strings.Repeat("x", 70<<10) + "\n\\connect a\n", "\\connect a\r\n", "CREATE ROLE \"\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, _ := filtered(t, in)
		if strings.Contains(in, "KEY") {
			t.Skip()
		}
		lines := strings.Split(out, "\n")
		for i, line := range lines {
			if !strings.Contains(line, "KEY") {
				continue
			}
			switch {
			case line == `\restrict KEY` && i >= 2 && lines[i-2] == `\unrestrict KEY`:
			case line == `\unrestrict KEY` && i+2 < len(lines) && lines[i+2] == `\restrict KEY` &&
				encodingLine.MatchString(lines[i+1]):
			case line == `\unrestrict KEY` && i+2 < len(lines) && lines[i+2] == `\restrict KEY` &&
				strings.HasPrefix(lines[i+1], `\connect -reuse-previous=on "dbname='`) && strings.HasSuffix(lines[i+1], `'"`):
				inner := strings.TrimSuffix(strings.TrimPrefix(lines[i+1], `\connect -reuse-previous=on "dbname='`), `'"`)
				if rest := strings.NewReplacer(`\\`, ``, `\'`, ``, `""`, ``).Replace(inner); strings.ContainsAny(rest, `'"\`) {
					t.Errorf("%q connects with %q", in, lines[i+1])
				}
			default:
				t.Errorf("%q gives the key away in %q", in, line)
			}
		}
	})
}
