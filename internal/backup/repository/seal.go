package repository

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"

	"github.com/kopia/kopia/repo/blob"
)

// sealer encrypts and authenticates the blobs that Kanrin adds to the repository, each under its own name.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("preparing cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealer{}, fmt.Errorf("preparing cipher: %w", err)
	}
	return sealer{aead}, nil
}

func (s sealer) seal(id blob.ID, data []byte) raw { return s.aead.Seal(nil, nil, data, []byte(id)) }

func (s sealer) open(id blob.ID, data []byte) ([]byte, error) {
	plain, err := s.aead.Open(nil, nil, data, []byte(id))
	if err != nil {
		return nil, &Error{State: Damaged, Object: "blob " + string(id), Err: err}
	}
	return plain, nil
}
