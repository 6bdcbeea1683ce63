package archive

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// NewIdentity makes a key pair: the identity unseals what was sealed for the recipient.
func NewIdentity() (identity, recipient string, err error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", fmt.Errorf("generating identity: %w", err)
	}
	return key.String(), key.Recipient().String(), nil
}

// Seal encrypts what is written to it for the recipients (age's own notation, at least one). The result is whole only after Close.
func Seal(w io.Writer, recipients ...string) (io.WriteCloser, error) {
	var parsed []age.Recipient
	for _, text := range recipients {
		some, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("parsing recipient: %w", err)
		}
		parsed = append(parsed, some...)
	}
	if len(parsed) == 0 {
		return nil, errors.New("sealing needs a recipient")
	}
	sealed, err := age.Encrypt(w, parsed...)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return sealed, nil
}

// Unseal decrypts what Seal wrote. Damage shows itself while reading, as an *Error: use nothing of it before the end was reached.
func Unseal(r io.Reader, identity string) (io.Reader, error) {
	keys, err := age.ParseIdentities(strings.NewReader(identity))
	if err != nil {
		// The parser's own words may quote the identity.
		return nil, errors.New("the identity is not one of age's")
	}
	clearText, err := age.Decrypt(r, keys...)
	var nobody *age.NoIdentityMatchError
	if errors.As(err, &nobody) {
		return nil, &Error{Reason: WrongIdentity}
	}
	if err != nil {
		return nil, &Error{Reason: Damaged, Err: err}
	}
	return unsealed{clearText}, nil
}

type unsealed struct{ r io.Reader }

func (u unsealed) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &Error{Reason: Damaged, Err: err}
	}
	return n, err
}
