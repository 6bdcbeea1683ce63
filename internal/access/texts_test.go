package access

import (
	"os"
	"regexp"
	"testing"

	"kanrin.dev/kanrin/internal/lang"
)

// Every code of a refusal has a sentence in both languages.
func TestEveryCodeHasASentence(t *testing.T) {
	source, err := os.ReadFile("errors.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`(?m)^\tCode\w+\s+Code = "(\w+)"$`).FindAllSubmatch(source, -1)
	if len(codes) < 30 {
		t.Fatalf("only %d codes were found in errors.go", len(codes))
	}
	for _, code := range codes {
		for _, l := range []lang.Lang{lang.English, lang.Japanese} {
			if !l.Has("access." + string(code[1])) {
				t.Errorf("the catalogue of %s has no access.%s", l, code[1])
			}
		}
	}
}
