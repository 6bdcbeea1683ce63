package archive

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestSealAndUnseal(t *testing.T) {
	identity, recipient, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	other, second, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("the keys of the cluster\n"), 10_000)
	sealed := seal(t, want, recipient, second)
	if bytes.Contains(sealed, []byte("keys of")) {
		t.Error("in clear")
	}
	for _, id := range []string{identity, other} {
		r, err := Unseal(bytes.NewReader(sealed), id)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("unsealed: %v", err)
		}
	}
	stranger, _, _ := NewIdentity()
	_, err = Unseal(bytes.NewReader(sealed), stranger)
	if !refused(err, WrongIdentity) {
		t.Errorf("a stranger's identity: %v", err)
	}
	if _, err := Unseal(bytes.NewReader(sealed), "AGE-SECRET-KEY-1NOTONE"); err == nil || strings.Contains(err.Error(), "NOTONE") {
		t.Errorf("a bad identity: %v", err)
	}
}

func TestSealedAndDamaged(t *testing.T) {
	identity, recipient, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	sealed := seal(t, bytes.Repeat([]byte("0123456789"), 1000), recipient)
	for at := 0; at < len(sealed); at += 97 {
		damaged := bytes.Clone(sealed)
		damaged[at] ^= 0x10
		if err := readAll(damaged, identity); err == nil {
			t.Errorf("byte %d flipped: not noticed", at)
		} else if !refused(err, Damaged) && !refused(err, WrongIdentity) {
			t.Errorf("byte %d flipped: %v", at, err)
		}
		if err := readAll(sealed[:at], identity); !refused(err, Damaged) {
			t.Errorf("cut at %d: %v", at, err)
		}
	}
}

func TestSealNeedsRecipients(t *testing.T) {
	if _, err := Seal(io.Discard); err == nil {
		t.Error("sealed for nobody")
	}
	if _, err := Seal(io.Discard, "age1notone"); err == nil {
		t.Error("sealed for a recipient that is none")
	}
}

func FuzzUnseal(f *testing.F) {
	identity, recipient, err := NewIdentity()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seal(f, []byte("x"), recipient))
	f.Fuzz(func(t *testing.T, data []byte) { _ = readAll(data, identity) })
}

func seal(t testing.TB, content []byte, recipients ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := Seal(&out, recipients...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func readAll(sealed []byte, identity string) error {
	r, err := Unseal(bytes.NewReader(sealed), identity)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return err
}

func refused(err error, reason Reason) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == reason
}
