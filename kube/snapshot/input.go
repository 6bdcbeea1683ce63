package snapshot

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/json"
)

// Limits on the input; a snapshot beyond them is refused rather than read into
// all of the machine's memory.
const (
	maxLine    = 4 << 20
	maxObjects = 200_000
)

// InputError is a fault of the input, at a line counted from 1.
type InputError struct {
	Line int
	Err  error
}

func (e *InputError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *InputError) Unwrap() error { return e.Err }

// Read parses a header and the objects after it, one JSON document per line,
// plain or compressed with gzip. Faults are *InputError where a line is to
// blame.
func Read(r io.Reader) (*Header, *Snapshot, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, nil, fmt.Errorf("opening the compressed input: %w", err)
		}
		defer z.Close()
		buffered = bufio.NewReaderSize(z, 1<<16)
	}
	lines := &lineReader{scanner: bufio.NewScanner(buffered)}
	lines.scanner.Buffer(make([]byte, 1<<16), maxLine)

	first, ok := lines.next()
	if err := lines.err(); err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, &InputError{1, errors.New("the input is empty; it must begin with a header of kind Simulation")}
	}
	headerLine := lines.number
	header, err := parseHeader(first)
	if err != nil {
		return nil, nil, &InputError{headerLine, err}
	}
	objects, err := readObjects(lines)
	if err != nil {
		return nil, nil, err
	}
	snap, err := newSnapshot(objects)
	if err != nil {
		return nil, nil, err
	}
	if err := header.check(snap); err != nil {
		return nil, nil, &InputError{headerLine, err}
	}
	return header, snap, nil
}

// lineReader yields the lines that are not empty, and counts them all.
type lineReader struct {
	scanner *bufio.Scanner
	number  int
}

func (l *lineReader) next() ([]byte, bool) {
	for l.scanner.Scan() {
		l.number++
		if line := bytes.TrimSpace(l.scanner.Bytes()); len(line) > 0 {
			return line, true
		}
	}
	return nil, false
}

func (l *lineReader) err() error {
	err := l.scanner.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return &InputError{l.number + 1, fmt.Errorf("the line is longer than %d MiB", maxLine>>20)}
	case err != nil:
		return &InputError{l.number + 1, fmt.Errorf("reading the input: %w", err)}
	}
	return nil
}

// parsed is one line after decoding; kind is nil where it is to be ignored.
type parsed struct {
	line   int
	kind   *Kind
	object Object
}

// batch is a run of lines, decoded together because handing over single lines
// would cost more than it gains.
type batch struct {
	data    []byte
	ends    []int
	numbers []int
	objects []parsed
	err     error
}

// readObjects decodes the rest of the input on all processors: decoding is most
// of the time that a rehearsal takes.
func readObjects(lines *lineReader) ([]parsed, error) {
	work := make(chan *batch, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for b := range work {
				b.decode()
			}
		})
	}

	var batches []*batch
	var inputErr error
	count := 0
	current := &batch{}
	flush := func() {
		if len(current.ends) > 0 {
			batches = append(batches, current)
			work <- current
			current = &batch{}
		}
	}
	for {
		line, ok := lines.next()
		if !ok {
			inputErr = lines.err()
			break
		}
		if count++; count > maxObjects {
			inputErr = &InputError{lines.number, fmt.Errorf("the snapshot has more than %d objects", maxObjects)}
			break
		}
		current.data = append(current.data, line...)
		current.ends = append(current.ends, len(current.data))
		current.numbers = append(current.numbers, lines.number)
		if len(current.data) > 1<<18 {
			flush()
		}
	}
	flush()
	close(work)
	workers.Wait()

	objects := make([]parsed, 0, count)
	for _, b := range batches {
		if b.err != nil {
			return nil, b.err
		}
		objects = append(objects, b.objects...)
	}
	return objects, inputErr
}

func (b *batch) decode() {
	b.objects = make([]parsed, 0, len(b.ends))
	start := 0
	for i, end := range b.ends {
		k, obj, err := parseObject(b.data[start:end])
		if err != nil {
			b.err = &InputError{b.numbers[i], err}
			return
		}
		b.objects = append(b.objects, parsed{b.numbers[i], k, obj})
		start = end
	}
	b.data = nil
}

// parseObject decodes one object, or returns a nil kind for one that has no say
// in scheduling.
func parseObject(line []byte) (*Kind, Object, error) {
	gvk, err := kindOf(line)
	if err != nil {
		return nil, nil, err
	}
	k := kindsByGVK[gvk]
	if k == nil {
		return nil, nil, nil
	}
	obj := k.New()
	if err := json.UnmarshalCaseSensitivePreserveInts(line, obj); err != nil {
		return nil, nil, fmt.Errorf("reading a %s: %w", gvk.Kind, err)
	}
	if obj.GetName() == "" {
		return nil, nil, fmt.Errorf("a %s has no metadata.name", gvk.Kind)
	}
	switch {
	case k.Namespaced && obj.GetNamespace() == "":
		return nil, nil, fmt.Errorf("%s %q has no metadata.namespace", gvk.Kind, obj.GetName())
	case !k.Namespaced && obj.GetNamespace() != "":
		return nil, nil, fmt.Errorf("%s %q has a metadata.namespace, which this kind cannot have", gvk.Kind, obj.GetName())
	}
	return k, obj, nil
}

// quickKinds are the ways in which nearly every line begins; recognising them
// saves a second pass over the line.
var quickKinds = func() map[schema.GroupVersionKind][][]byte {
	m := map[schema.GroupVersionKind][][]byte{}
	for _, k := range Kinds {
		group, name := k.GVK.GroupVersion().String(), k.GVK.Kind
		m[k.GVK] = [][]byte{
			fmt.Appendf(nil, `{"kind":"%s","apiVersion":"%s",`, name, group),
			fmt.Appendf(nil, `{"apiVersion":"%s","kind":"%s",`, group, name),
		}
	}
	return m
}()

func kindOf(line []byte) (schema.GroupVersionKind, error) {
	for _, k := range Kinds[:2] {
		for _, prefix := range quickKinds[k.GVK] {
			if bytes.HasPrefix(line, prefix) {
				return k.GVK, nil
			}
		}
	}
	var meta struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := json.UnmarshalCaseSensitivePreserveInts(line, &meta); err != nil {
		return schema.GroupVersionKind{}, fmt.Errorf("reading an object: %w", err)
	}
	if meta.APIVersion == "" || meta.Kind == "" {
		return schema.GroupVersionKind{}, errors.New("the object has no apiVersion or no kind")
	}
	return schema.FromAPIVersionAndKind(meta.APIVersion, meta.Kind), nil
}
