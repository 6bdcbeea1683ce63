package plan

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// maxInflated bounds what one chunk may inflate to: a chunk from a foreign hand must not fill the memory.
const maxInflated = 32 << 20

// pack writes values as gzip-compressed JSON lines, in as many chunks as needed to keep each under v1alpha1.MaxChunkBytes.
func pack[T any](values []T) ([]chunk, error) {
	var out []chunk
	var raw bytes.Buffer
	lines := int32(0)
	flush := func() error {
		if lines == 0 {
			return nil
		}
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		if _, err := w.Write(raw.Bytes()); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		if z.Len() > v1alpha1.MaxChunkBytes {
			return fmt.Errorf("a chunk of %d lines has %d bytes, more than %d", lines, z.Len(), v1alpha1.MaxChunkBytes)
		}
		out = append(out, chunk{data: bytes.Clone(z.Bytes()), lines: lines})
		raw.Reset()
		lines = 0
		return nil
	}
	for i := range values {
		b, err := json.Marshal(&values[i])
		if err != nil {
			return nil, err
		}
		// Compression only makes it smaller in practice; cutting by the uncompressed size keeps the bound without trying.
		if raw.Len()+len(b)+1 > v1alpha1.MaxChunkBytes {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		raw.Write(b)
		raw.WriteByte('\n')
		lines++
	}
	return out, flush()
}

type chunk struct {
	data  []byte
	lines int32
}

// Unpack reads the lines of one OperationLog. Whatever is wrong with them is an error, never a panic, and never more memory than a
// chunk may have.
func Unpack[T any](data []byte) ([]T, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading log chunk: %w", err)
	}
	dec := json.NewDecoder(io.LimitReader(z, maxInflated))
	var out []T
	for {
		var v T
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading line %d of log chunk: %w", len(out)+1, err)
		}
		out = append(out, v)
	}
}
