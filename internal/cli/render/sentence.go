package render

import (
	"maps"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/cells"
	"kanrin.dev/kanrin/internal/lang"
)

// sentence says a coded sentence in l. What the catalogue of this program does not know yet (a newer server) is said in the English that
// the server sent along.
func sentence(l lang.Lang, key string, params map[string]string, english string) string {
	switch {
	case l.Has(key):
		english = l.Text(key, params)
	case english == "":
		return key
	}
	return cells.Clean(english)
}

// with returns params with name set, unless it is there already.
func with(params map[string]string, name, value string) map[string]string {
	if _, ok := params[name]; ok || value == "" {
		return params
	}
	out := maps.Clone(params)
	if out == nil {
		out = map[string]string{}
	}
	out[name] = value
	return out
}

// Finding is the sentence of a finding.
func Finding(l lang.Lang, f v1alpha1.Finding) string {
	return sentence(l, "finding."+f.Code, with(f.Params, "object", f.Object), f.Message)
}

// Way is what a way round a blocker means.
func Way(l lang.Lang, w v1alpha1.Way) string {
	return sentence(l, "way."+w.Code, map[string]string{"value": w.Value, "flag": w.Flag}, w.Value)
}

// StepTitle is the sentence of a step.
func StepTitle(l lang.Lang, s v1alpha1.Step) string {
	return sentence(l, "step."+s.Kind, s.Params, s.Title)
}

// Undo names what cancelling does about a step.
func Undo(l lang.Lang, s v1alpha1.Step) string { return sentence(l, "undo."+s.Undo, s.Params, s.Undo) }

// Waiting is what a running step waits for.
func Waiting(l lang.Lang, w v1alpha1.Wait) string {
	return sentence(l, "wait."+w.Code, with(w.Params, "object", w.Object), w.Message)
}

// StepFailure is why a step failed.
func StepFailure(l lang.Lang, s v1alpha1.StepStatus) string {
	if s.Code == "" {
		return cells.Clean(s.Message)
	}
	return sentence(l, "fail."+s.Code, s.Params, s.Message)
}

// LogLine is a line of the journal.
func LogLine(l lang.Lang, line v1alpha1.LogLine) string {
	return sentence(l, "log."+line.Code, with(line.Params, "object", line.Object), line.Text)
}

// Status says why an operation is in its phase. Reasons that tell of a failure carry the failure's own code, so that its sentence is
// said in l too.
func Status(l lang.Lang, op *v1alpha1.Operation) string {
	s := op.Status
	params := with(s.Params, "name", op.Name)
	if s.Plan != nil {
		params = with(params, "digest", s.Plan.Digest)
	}
	if code := params["code"]; code != "" && l.Has("fail."+code) {
		params = maps.Clone(params)
		params["why"] = strings.TrimRight(l.Text("fail."+code, params), " .。") // it becomes a part of a sentence
	}
	key := "status." + s.Reason
	if s.Reason == v1alpha1.ReasonCancelled && s.StartedAt == nil {
		key = "status.CancelledPlanned"
	}
	text := sentence(l, key, params, s.Message)
	if text == key {
		text = s.Reason
	}
	return text
}

func line(l lang.Lang, area string, line v1alpha1.Line) string {
	return sentence(l, area+"."+line.Code, line.Params, line.Message)
}
