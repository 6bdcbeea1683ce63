package repository

import (
	"context"
	"errors"
	"slices"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/format"
)

// features of kopia's format that the library in use understands.
var features = []string{"index-v1", "index-v2"}

// explain tells errors of opening apart that kopia gives as text only: by looking at what is stored, not at the text.
func (r *Repository) explain(ctx context.Context, err error, password string) error {
	if classify(err) != "" || ctx.Err() != nil {
		return err
	}
	data, readErr := readBlob(ctx, r.store, format.KopiaRepositoryBlobID)
	if readErr != nil {
		return err
	}
	damaged := func(what blob.ID) error { return &Error{State: Damaged, Object: "blob " + string(what), Err: err} }
	if _, parseErr := format.ParseKopiaRepositoryJSON(data); parseErr != nil {
		return damaged(format.KopiaRepositoryBlobID)
	}
	// Without the second, optional blob the first one is looked at alone. It is authenticated: when it decrypts and still cannot be used,
	// it says something that this version does not know.
	m, managerErr := format.NewManager(ctx, onlyFormat{r.store}, "", -1, password, r.clock.Now)
	switch {
	case errors.Is(managerErr, format.ErrInvalidPassword):
		return managerErr
	case managerErr != nil:
		return &Error{State: Newer, Object: r.location.String(), Err: err}
	}
	required, _ := m.RequiredFeatures(ctx)
	for _, f := range required {
		if !slices.Contains(features, string(f.Feature)) {
			return &Error{State: Newer, Object: r.location.String(), Err: err}
		}
	}
	if _, both := format.NewManager(ctx, r.store, "", -1, password, r.clock.Now); both != nil {
		return damaged(format.KopiaBlobCfgBlobID)
	}
	return &Error{State: Damaged, Object: "index", Err: err}
}

// onlyFormat hides every blob but the first.
type onlyFormat struct{ *storage }

func (o onlyFormat) GetBlob(ctx context.Context, id blob.ID, offset, length int64, out blob.OutputBuffer) error {
	if id != format.KopiaRepositoryBlobID {
		return blob.ErrBlobNotFound
	}
	return o.storage.GetBlob(ctx, id, offset, length, out)
}
