package object

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protowire"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor/direct"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

// Format is how an object is stored.
type Format string

// How objects are stored.
const (
	Protobuf Format = "Protobuf"
	JSON     Format = "JSON"
	CBOR     Format = "CBOR"
)

var (
	protobufPrefix = []byte("k8s\x00")
	cborPrefix     = []byte{0xd9, 0xd9, 0xf7} // the tag of data that describes itself
)

func formatOf(value []byte) Format {
	switch {
	case bytes.HasPrefix(value, protobufPrefix):
		return Protobuf
	case bytes.HasPrefix(value, cborPrefix):
		return CBOR
	case bytes.HasPrefix(bytes.TrimLeft(value, " \t\r\n"), []byte("{")):
		return JSON
	}
	return ""
}

// FormatError says that a value is no object: Format is "" when it begins like none, "Encrypted" when it is still
// encrypted. It holds nothing of the value.
type FormatError struct{ Format Format }

func (e *FormatError) Error() string {
	switch e.Format {
	case "":
		return "value is not an object"
	case "Encrypted":
		return "value is encrypted"
	}
	return fmt.Sprintf("value is not an object in %s", e.Format)
}

// UnknownTypeError says that an object in protobuf is of a type that this Kanrin does not know. Only the built-in types of
// Kubernetes are stored so.
type UnknownTypeError struct{ APIVersion, Kind string }

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("type %s %s is not known", e.APIVersion, e.Kind)
}

var decoder = protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)

// Decode reads a stored object that is not encrypted, or not any more. It is of the version that it is stored in, save that
// a CustomResourceDefinition is always of v1. The error is a *FormatError or *UnknownTypeError.
func Decode(value []byte) (*unstructured.Unstructured, error) {
	format := formatOf(value)
	u := &unstructured.Unstructured{}
	var err error
	switch format {
	case Protobuf:
		return decodeProtobuf(value)
	case JSON:
		err = u.UnmarshalJSON(value)
	case CBOR:
		_, _, err = cbor.NewSerializer(scheme.Scheme, scheme.Scheme).Decode(value, nil, u)
	default:
		if bytes.HasPrefix(value, encryptedPrefix) {
			format = "Encrypted"
		}
		return nil, &FormatError{Format: format}
	}
	if err != nil || u.GetKind() == "" || u.GetAPIVersion() == "" { // the error may quote the value
		return nil, &FormatError{Format: format}
	}
	modernize(u)
	return u, nil
}

func decodeProtobuf(value []byte) (*unstructured.Unstructured, error) {
	apiVersion, kind, ok := protobufKind(value)
	if !ok || apiVersion == "" || kind == "" {
		return nil, &FormatError{Format: Protobuf}
	}
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return nil, &FormatError{Format: Protobuf}
	}
	if !scheme.Scheme.Recognizes(gv.WithKind(kind)) {
		return nil, &UnknownTypeError{APIVersion: apiVersion, Kind: kind}
	}
	typed, _, err := decoder.Decode(value, nil, nil)
	if err != nil {
		return nil, &FormatError{Format: Protobuf}
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return nil, &FormatError{Format: Protobuf}
	}
	u := &unstructured.Unstructured{Object: fields}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	return u, nil
}

// Kind tells the type of a stored object that is not encrypted without decoding the object.
func Kind(value []byte) (apiVersion, kind string, ok bool) {
	var meta struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	switch formatOf(value) {
	case Protobuf:
		return protobufKind(value)
	case JSON:
		ok = json.Unmarshal(value, &meta) == nil
	case CBOR:
		var fields map[string]any // into a struct it would refuse the other fields
		ok = direct.Unmarshal(value, &fields) == nil
		meta.APIVersion, _ = fields["apiVersion"].(string)
		meta.Kind, _ = fields["kind"].(string)
	}
	return meta.APIVersion, meta.Kind, ok && meta.Kind != ""
}

// protobufKind reads the type from the first field of what is around an object (runtime.Unknown).
func protobufKind(value []byte) (apiVersion, kind string, ok bool) {
	b := value[len(protobufPrefix):]
	field, wire, n := protowire.ConsumeTag(b)
	if n < 0 || field != 1 || wire != protowire.BytesType {
		return "", "", false
	}
	meta, m := protowire.ConsumeBytes(b[n:])
	if m < 0 {
		return "", "", false
	}
	for len(meta) > 0 {
		field, wire, n := protowire.ConsumeTag(meta)
		if n < 0 || wire != protowire.BytesType {
			return "", "", false
		}
		text, m := protowire.ConsumeBytes(meta[n:])
		if m < 0 {
			return "", "", false
		}
		switch field {
		case 1:
			apiVersion = string(text)
		case 2:
			kind = string(text)
		}
		meta = meta[n+m:]
	}
	return apiVersion, kind, kind != ""
}

// YAML gives an object as people write it. Unlike the usual way over JSON, it can write any text that an object may hold.
func YAML(u *unstructured.Unstructured) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	e.CompactSeqIndent()
	err := e.Encode(u.Object)
	if err == nil {
		err = e.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("writing %s %s as YAML: %w", u.GetKind(), u.GetName(), err)
	}
	return b.Bytes(), nil
}
