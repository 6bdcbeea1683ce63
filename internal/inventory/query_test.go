package inventory

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/internal/lang"
)

func TestParseQuery(t *testing.T) {
	c := columns{sorts: []string{"name", "cpu"}, filters: []string{"zone"}}
	for _, test := range []struct {
		in, code string
		want     query
	}{
		{in: "", want: query{limit: 100, sort: "name"}},
		{in: "limit=5&offset=10&sort=-cpu&q=%20Shop&zone=a", want: query{limit: 5, offset: 10, sort: "cpu", descending: true, text: "shop", filters: map[string]string{"zone": "a"}}},
		{in: "sort=&zone=", want: query{limit: 100, sort: "name"}},
		{in: "limit=0", code: "NumberInvalid"},
		{in: "limit=1001", code: "NumberInvalid"},
		{in: "limit=ten", code: "NumberInvalid"},
		{in: "offset=-1", code: "NumberInvalid"},
		{in: "sort=age", code: "SortUnknown"},
		{in: "sort=--cpu", code: "SortUnknown"},
		{in: "zones=a", code: "ParameterUnknown"},
		{in: "zone=a&zone=b", code: "ParameterTwice"},
		{in: "q=%ff%fe", code: "ParameterInvalid"},
		{in: "q=" + strings.Repeat("x", 600), code: "ParameterInvalid"},
	} {
		values, err := url.ParseQuery(test.in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseQuery(values, c)
		if code := codeOf(err); code != test.code {
			t.Errorf("%q: code %q, want %q (%v)", test.in, code, test.code, err)
		}
		if test.code == "" && (got.key() != test.want.key() || got.limit != test.want.limit || got.offset != test.want.offset) {
			t.Errorf("%q: %+v, want %+v", test.in, got, test.want)
		}
	}
}

// unfilled finds a parameter that a sentence wants and was not given.
var unfilled = regexp.MustCompile(`\{[a-z]+[}:|]`)

// codeOf is the code of a refusal, whose sentence must exist in both languages with nothing left to fill in.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	var s *apierrors.StatusError
	if !errors.As(err, &s) || len(s.ErrStatus.Details.Causes) == 0 {
		return "no code"
	}
	causes := s.ErrStatus.Details.Causes
	params := map[string]string{}
	for _, c := range causes[1:] {
		params[c.Field] = c.Message
	}
	for _, l := range []lang.Lang{lang.English, lang.Japanese} {
		if text := l.Text("inventory."+string(causes[0].Type), params); strings.HasPrefix(text, "inventory.") || unfilled.MatchString(text) {
			return "no sentence: " + text
		}
	}
	return string(causes[0].Type)
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{"", "limit=5&offset=10&sort=-cpu&q=x&zone=a", "sort=--", "q=%ff", "limit=9999999999999999999", "zone=a&zone=b", "%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		values, err := url.ParseQuery(s)
		if err != nil {
			return
		}
		q, err := parseQuery(values, podColumns)
		if err != nil {
			if strings.HasPrefix(codeOf(err), "no ") {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if q.limit < 1 || q.limit > maxLimit || q.offset < 0 || q.sort == "" {
			t.Errorf("%q: %+v", s, q)
		}
		if got := slice(q, make([]int, 7)); len(got) > 7 || len(got) > q.limit {
			t.Errorf("%q: a page of %d", s, len(got))
		}
	})
}

func TestPlacesOf(t *testing.T) {
	in := func(key string, values ...string) corev1.NodeSelectorRequirement {
		return corev1.NodeSelectorRequirement{Key: key, Operator: corev1.NodeSelectorOpIn, Values: values}
	}
	for name, test := range map[string]struct {
		terms        []corev1.NodeSelectorTerm
		zones, nodes string
	}{
		"anywhere":   {},
		"a zone":     {terms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{in("topology.kubernetes.io/zone", "b")}}}, zones: "b"},
		"two zones":  {terms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{in("topology.kubernetes.io/zone", "b")}}, {MatchExpressions: []corev1.NodeSelectorRequirement{in("topology.kubernetes.io/zone", "a", "b")}}}, zones: "a b"},
		"CSI's key":  {terms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{in("topology.csi.example/zone", "c")}}}, zones: "c"},
		"a node":     {terms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{in("kubernetes.io/hostname", "w1")}}}, nodes: "w1"},
		"by field":   {terms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{in("metadata.name", "w2")}}}, nodes: "w2"},
		"a way out":  {terms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{in("topology.kubernetes.io/zone", "b")}}, {MatchExpressions: []corev1.NodeSelectorRequirement{in("disk", "ssd")}}}},
		"not a zone": {terms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "topology.kubernetes.io/zone", Operator: corev1.NodeSelectorOpNotIn, Values: []string{"b"}}}}}},
	} {
		pv := &corev1.PersistentVolume{}
		if test.terms != nil {
			pv.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: test.terms}}
		}
		zones, nodes := placesOf(pv)
		if strings.Join(zones, " ") != test.zones || strings.Join(nodes, " ") != test.nodes {
			t.Errorf("%s: zones %v, nodes %v", name, zones, nodes)
		}
	}
}

func TestLimitFor(t *testing.T) {
	for zones, want := range map[int]float64{0: 0, 1: 0, 2: 0.5, 3: 0.5, 4: 2.0 / 3, 5: 0.75} {
		if got := limitFor(zones); got != want {
			t.Errorf("%d zones: %v, want %v", zones, got, want)
		}
		// After a loss the others must be able to carry everything.
		if zones > 1 && want*float64(zones)/float64(zones-1) > 1 {
			t.Errorf("%d zones used to %v cannot lose one", zones, want)
		}
	}
}
