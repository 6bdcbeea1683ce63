package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Passwords have at least MinPasswordLength characters and at most MaxPasswordBytes bytes.
const (
	MinPasswordLength = 8
	MaxPasswordBytes  = 1024
)

// HashParameters are those of argon2id (RFC 9106). They are stored with each hash, so that changing them leaves old hashes valid;
// a hash with other than the current ones is renewed when its user next signs in.
type HashParameters struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// DefaultHashParameters are the second recommended option of RFC 9106, for machines that have other work to do: 64 MiB, 3 passes,
// 4 lanes.
var DefaultHashParameters = HashParameters{MemoryKiB: 64 << 10, Passes: 3, Lanes: 4}

const (
	saltBytes = 16
	hashBytes = 32
	// maxHashMemoryKiB bounds what a stored hash can make the server allocate.
	maxHashMemoryKiB = 256 << 10
)

// hasher computes password hashes, one at a time: each takes 64 MiB, and the server is to stay small.
type hasher struct {
	params  HashParameters
	slot    chan struct{}
	waiting atomic.Int32
	limit   int32
	// nobody is the hash of a password that no one has. Checking an unknown user against it costs what a known one costs.
	nobody string
}

func newHasher(params HashParameters) *hasher {
	h := &hasher{params: params, slot: make(chan struct{}, 1), limit: 32}
	h.nobody = encodeHash(params, make([]byte, saltBytes), make([]byte, hashBytes))
	return h
}

// hash returns the encoded hash of password under a fresh salt.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // crypto/rand.Read never fails
	sum, err := h.derive(ctx, h.params, password, salt)
	if err != nil {
		return "", err
	}
	return encodeHash(h.params, salt, sum), nil
}

// verify reports whether password is the one of encoded, and whether encoded was made with other than the current parameters.
// An empty encoded (no such user) takes the same time and is never right.
func (h *hasher) verify(ctx context.Context, encoded, password string) (right, renew bool, err error) {
	known := encoded != ""
	if !known {
		encoded = h.nobody
	}
	params, salt, want, err := decodeHash(encoded)
	if err != nil {
		return false, false, err
	}
	got, err := h.derive(ctx, params, password, salt)
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, params != h.params, nil
}

// derive waits for the slot. When too many wait already it refuses at once: a queue longer than a person's patience helps nobody.
func (h *hasher) derive(ctx context.Context, p HashParameters, password string, salt []byte) ([]byte, error) {
	if h.waiting.Add(1) > h.limit {
		h.waiting.Add(-1)
		return nil, Busy(CodeBusy, 5)
	}
	select {
	case h.slot <- struct{}{}:
	case <-ctx.Done():
		h.waiting.Add(-1)
		return nil, fmt.Errorf("waiting to check a password: %w", ctx.Err())
	}
	sum := argon2.IDKey([]byte(password), salt, p.Passes, p.MemoryKiB, p.Lanes, hashBytes)
	if h.waiting.Add(-1) == 0 {
		// The last one for now gives the memory back: it is more than all else that this program keeps.
		debug.FreeOSMemory()
	}
	<-h.slot
	return sum, nil
}

func encodeHash(p HashParameters, salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.MemoryKiB, p.Passes, p.Lanes,
		b64.EncodeToString(salt), b64.EncodeToString(sum))
}

var errHashForm = errors.New("the stored password hash is not in the form $argon2id$v=19$m=…,t=…,p=…$salt$hash")

func decodeHash(encoded string) (p HashParameters, salt, sum []byte, err error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errHashForm
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Passes, &p.Lanes); n != 3 || err != nil {
		return p, nil, nil, errHashForm
	}
	if p.MemoryKiB < 8*uint32(p.Lanes) || p.MemoryKiB > maxHashMemoryKiB || p.Passes < 1 || p.Passes > 32 || p.Lanes < 1 || p.Lanes > 32 {
		return p, nil, nil, fmt.Errorf("the stored password hash has parameters out of bounds: %s", parts[3])
	}
	b64 := base64.RawStdEncoding.Strict()
	if salt, err = b64.DecodeString(parts[4]); err != nil || len(salt) < 8 || len(salt) > 64 {
		return p, nil, nil, errHashForm
	}
	if sum, err = b64.DecodeString(parts[5]); err != nil || len(sum) != hashBytes {
		return p, nil, nil, errHashForm
	}
	if encodeHash(p, salt, sum) != encoded {
		return p, nil, nil, errHashForm
	}
	return p, salt, sum, nil
}

// validatePassword says what is wrong with a password that somebody wants to set.
func validatePassword(user, password string) error {
	switch {
	case utf8.RuneCountInString(password) < MinPasswordLength:
		return invalid("password", CodePasswordShort, "min", MinPasswordLength)
	case len(password) > MaxPasswordBytes:
		return invalid("password", CodePasswordLong, "max", MaxPasswordBytes)
	case strings.EqualFold(password, user):
		return invalid("password", CodePasswordIsName)
	}
	return nil
}

// randomPassword is one that can be read from a screen and typed: 20 characters of 32, 100 bits, in groups of five.
func randomPassword() string {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789"
	raw := make([]byte, 20)
	rand.Read(raw) // crypto/rand.Read never fails
	var b strings.Builder
	for i, r := range raw {
		if i > 0 && i%5 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(letters[r%32])
	}
	return b.String()
}
