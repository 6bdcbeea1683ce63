package repository

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/kopia/kopia/repo/blob"
)

// The inventory lists every blob that Kanrin wrote, with its size and SHA-256. kopia authenticates what it needs of a blob; the inventory
// covers all of it, padding and unauthenticated headers included, so that any damage is seen. It is a number of blobs of its own, one for
// every sealed set and maintenance, joined to one from time to time. Of two that list the same blob the later one, by name, is right.
const (
	inventoryPrefix  = "kanrin.inventory."
	inventoryVersion = 1
	inventoryParts   = 32 // more than these are joined by Maintain
	inventoryLimit   = 1 << 30
)

// saveInventory writes down what was written since the last time, and what else is given.
func (r *Repository) saveInventory(ctx context.Context, more map[blob.ID]sealedBlob) error {
	r.inventory.Lock()
	defer r.inventory.Unlock()
	written := r.store.unlisted()
	entries := maps.Clone(written)
	maps.Copy(entries, more)
	if len(entries) == 0 {
		return nil
	}
	if _, err := r.putInventory(ctx, entries); err != nil {
		return err
	}
	r.store.listed(written)
	return nil
}

func (r *Repository) putInventory(ctx context.Context, entries map[blob.ID]sealedBlob) (blob.ID, error) {
	// The name sorts by time, and by chance only within one tick of the clock.
	id := blob.ID(fmt.Sprintf("%s%016x-%s", inventoryPrefix, r.clock.Now().UnixNano(), strings.ToLower(rand.Text()[:8])))
	data, err := encodeInventory(entries)
	if err == nil {
		err = r.store.PutBlob(ctx, id, r.sealer.seal(id, data), blob.PutOptions{})
	}
	if err != nil {
		return "", classified(r.location.String(), "writing inventory of", err)
	}
	return id, nil
}

func encodeInventory(entries map[blob.ID]sealedBlob) ([]byte, error) {
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("preparing inventory: %w", err)
	}
	line := binary.AppendUvarint([]byte{inventoryVersion}, uint64(len(entries)))
	for _, id := range slices.Sorted(maps.Keys(entries)) {
		e := entries[id]
		line = binary.AppendUvarint(line, uint64(len(id)))
		line = append(line, id...)
		line = binary.AppendUvarint(line, uint64(e.Size))
		line = append(line, e.SHA256[:]...)
		if _, err := z.Write(line); err != nil {
			return nil, fmt.Errorf("writing inventory: %w", err)
		}
		line = line[:0]
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("writing inventory: %w", err)
	}
	return out.Bytes(), nil
}

func decodeInventory(data []byte, into map[blob.ID]sealedBlob) error {
	z, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(inventoryLimit))
	if err != nil {
		return fmt.Errorf("preparing inventory: %w", err)
	}
	defer z.Close()
	plain, err := io.ReadAll(io.LimitReader(z, inventoryLimit))
	if err != nil {
		return fmt.Errorf("reading inventory: %w", err)
	}
	if len(plain) == 0 {
		return errors.New("reading inventory: it is empty")
	}
	if plain[0] != inventoryVersion {
		return &Error{State: Newer, Object: "inventory", Err: fmt.Errorf("version %d", plain[0])}
	}
	rest := plain[1:]
	number := func() uint64 {
		n, size := binary.Uvarint(rest)
		if size <= 0 {
			rest = nil
			return 0
		}
		rest = rest[size:]
		return n
	}
	for range number() {
		length := number()
		if length == 0 || length > uint64(len(rest)) {
			return errors.New("reading inventory: it is cut off")
		}
		id := blob.ID(rest[:length])
		rest = rest[length:]
		e := sealedBlob{Size: int64(number())}
		if len(rest) < len(e.SHA256) {
			return errors.New("reading inventory: it is cut off")
		}
		copy(e.SHA256[:], rest)
		rest = rest[len(e.SHA256):]
		into[id] = e
	}
	return nil
}

// loadInventory reads all parts of the inventory, and what this process has written since. Parts that cannot be read are named.
func (r *Repository) loadInventory(ctx context.Context) (entries map[blob.ID]sealedBlob, parts []blob.ID, bad map[blob.ID]error, err error) {
	err = r.store.ListBlobs(ctx, inventoryPrefix, func(m blob.Metadata) error {
		parts = append(parts, m.BlobID)
		return nil
	})
	if err != nil {
		return nil, nil, nil, classified(r.location.String(), "listing inventory of", err)
	}
	slices.Sort(parts)
	entries, bad = map[blob.ID]sealedBlob{}, map[blob.ID]error{}
	for _, id := range parts {
		data, err := readBlob(ctx, r.store, id)
		if errors.Is(err, blob.ErrBlobNotFound) {
			continue // joined with others by somebody meanwhile
		}
		if err != nil {
			return nil, nil, nil, classified(r.location.String(), "reading inventory of", err)
		}
		plain, err := r.sealer.open(id, data)
		if err == nil {
			err = decodeInventory(plain, entries)
		}
		if StateOf(err) == Newer {
			return nil, nil, nil, err
		}
		if err != nil {
			bad[id] = err
		}
	}
	maps.Copy(entries, r.store.unlisted())
	return entries, parts, bad, nil
}
