package repository

import "context"

// owner maintains the repository, for kopia.
const owner = "kanrin@kanrin"

func (s *Session) inventory(ctx context.Context, info SetInfo) error {
	return s.r.saveInventory(ctx, nil)
}
