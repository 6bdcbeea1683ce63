package access

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// quick parameters keep tests short; the real ones are measured by TestSignInCost.
var quick = HashParameters{MemoryKiB: 64, Passes: 1, Lanes: 1}

func TestHashAndVerify(t *testing.T) {
	ctx := context.Background()
	h := newHasher(quick)
	encoded, err := h.hash(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(encoded, "correct") {
		t.Fatalf("the hash holds the password: %s", encoded)
	}
	again, err := h.hash(ctx, "correct horse")
	if err != nil || again == encoded {
		t.Fatalf("two hashes of one password are equal (err %v): the salt is not fresh", err)
	}
	other := newHasher(HashParameters{MemoryKiB: 128, Passes: 1, Lanes: 1})
	for _, tc := range []struct {
		name, encoded, password string
		with                    *hasher
		right, renew            bool
	}{
		{"right", encoded, "correct horse", h, true, false},
		{"wrong", encoded, "correct horse ", h, false, false},
		{"empty password", encoded, "", h, false, false},
		{"no such user", "", "correct horse", h, false, false},
		{"no such user, empty", "", "", h, false, false},
		{"parameters changed since", encoded, "correct horse", other, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			right, renew, err := tc.with.verify(ctx, tc.encoded, tc.password)
			if err != nil || right != tc.right || renew != tc.renew {
				t.Fatalf("verify = %v, %v, %v, want %v, %v", right, renew, err, tc.right, tc.renew)
			}
		})
	}
}

func TestDecodeHashRefuses(t *testing.T) {
	good := encodeHash(quick, make([]byte, 16), make([]byte, 32))
	if _, _, _, err := decodeHash(good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "x", good + "$", good + "A", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=64", "m=99999999", 1), strings.Replace(good, "m=64", "m=0", 1), strings.Replace(good, "t=1", "t=0", 1),
		strings.Replace(good, "p=1", "p=0", 1), strings.Replace(good, "t=1", "t=1000", 1), strings.Replace(good, "m=64", "m=064", 1),
		strings.Replace(good, "m=64", "m=-64", 1),
	} {
		if _, _, _, err := decodeHash(bad); err == nil {
			t.Errorf("decodeHash(%q) accepted it", bad)
		}
	}
}

// One hash at a time: while one holds the slot the others wait, and a queue that is too long is refused at once.
func TestHashingIsBounded(t *testing.T) {
	h := newHasher(quick)
	h.limit = 3
	h.slot <- struct{}{} // somebody is hashing

	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	errs := make(chan error, 3)
	for range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, err := h.hash(ctx, "password")
			errs <- err
		}()
	}
	for deadline := time.Now().Add(10 * time.Second); h.waiting.Load() < 3; {
		if time.Now().After(deadline) {
			t.Fatal("three callers never waited for the slot")
		}
	}
	if _, err := h.hash(ctx, "password"); CodeOf(err) != CodeBusy {
		t.Fatalf("the fourth caller got %v, want to be refused as Busy", err)
	}
	cancel()
	wg.Wait()
	for range 3 {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Fatalf("a waiting caller whose request ended got %v", err)
		}
	}
	<-h.slot
	if _, err := h.hash(context.Background(), "password"); err != nil {
		t.Fatalf("after the queue emptied: %v", err)
	}
}

// A name that nobody has must not be told from one that somebody has by the time of the answer.
func TestUnknownUserCostsTheSame(t *testing.T) {
	ctx := context.Background()
	h := newHasher(HashParameters{MemoryKiB: 8 << 10, Passes: 2, Lanes: 1})
	encoded, err := h.hash(ctx, "password")
	if err != nil {
		t.Fatal(err)
	}
	least := func(encoded string) time.Duration {
		best := time.Hour
		for range 7 {
			start := time.Now()
			if _, _, err := h.verify(ctx, encoded, "something else"); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	known, unknown := least(encoded), least("")
	if ratio := float64(unknown) / float64(known); ratio < 0.5 || ratio > 2 {
		t.Fatalf("a known user costs %v, an unknown one %v", known, unknown)
	}
}

func TestValidatePassword(t *testing.T) {
	for _, tc := range []struct {
		password string
		want     Code
	}{
		{"12345678", ""},
		{"パスワード八文字", ""},
		{"1234567", CodePasswordShort},
		{"", CodePasswordShort},
		{strings.Repeat("x", MaxPasswordBytes), ""},
		{strings.Repeat("x", MaxPasswordBytes+1), CodePasswordLong},
		{"Suzuki-Hanako", CodePasswordIsName},
	} {
		err := validatePassword("suzuki-hanako", tc.password)
		if got := CodeOf(err); got != tc.want {
			t.Errorf("validatePassword(%.20q) = %v, want %q", tc.password, err, tc.want)
		}
	}
}

func TestRandomPassword(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		p := randomPassword()
		if len(p) != 23 || seen[p] || validatePassword("admin", p) != nil {
			t.Fatalf("random password of length %d, seen %v", len(p), seen[p])
		}
		seen[p] = true
	}
}

func FuzzDecodeHash(f *testing.F) {
	f.Add(encodeHash(quick, make([]byte, 16), make([]byte, 32)))
	f.Add("$argon2id$v=19$m=64,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, salt, sum, err := decodeHash(s)
		if err == nil && encodeHash(p, salt, sum) != s {
			t.Fatalf("%q was accepted, and reads back as %q", s, encodeHash(p, salt, sum))
		}
	})
}

// The memory of a hash is given back at once: it is more than the rest of the server takes.
func TestHashGivesItsMemoryBack(t *testing.T) {
	h := newHasher(DefaultHashParameters)
	if _, err := h.hash(context.Background(), "password"); err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if kept := m.HeapSys - m.HeapReleased; kept > 32<<20 {
		t.Fatalf("after a hash the heap keeps %d MiB", kept>>20)
	}
}

func BenchmarkHash(b *testing.B) {
	h := newHasher(DefaultHashParameters)
	for b.Loop() {
		if _, err := h.hash(context.Background(), "password"); err != nil {
			b.Fatal(err)
		}
	}
}
