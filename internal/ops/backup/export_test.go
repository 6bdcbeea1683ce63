package backup

import (
	"context"
	"time"
)

// At lets the keeper act once, at a time.
func (k *Keeper) At(ctx context.Context, now time.Time) {
	k.now = func() time.Time { return now }
	k.act(ctx)
}
