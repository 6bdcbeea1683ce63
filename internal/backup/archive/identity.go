package archive

import (
	"errors"

	"filippo.io/age"
)

// Recipient is the public half of an identity.
func Recipient(identity string) (string, error) {
	id, err := age.ParseX25519Identity(identity)
	if err != nil {
		return "", errors.New("this is not an age identity") // the parser's words may quote it
	}
	return id.Recipient().String(), nil
}
