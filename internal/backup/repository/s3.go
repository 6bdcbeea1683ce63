package repository

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/kopia/kopia/repo/blob"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// bucket is S3-compatible storage, in kopia's layout: a blob is an object with the prefix before its name.
type bucket struct {
	blob.DefaultProviderImplementation
	at     S3Location
	prefix string
	client *minio.Client
}

// attempts of a request that fails for a reason that may pass; the pauses between them grow to some seconds.
const attempts = 5

func openS3(ctx context.Context, at S3Location, c Credentials) (blob.Storage, error) {
	object := Location{Type: S3, S3: &at}.String()
	transport, err := s3Transport(at)
	if err != nil {
		return nil, &Error{State: Invalid, Object: object, Err: err}
	}
	client, err := minio.New(at.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		Secure: !at.PlainHTTP, Region: at.Region, Transport: transport, MaxRetries: attempts,
	})
	if err != nil {
		return nil, &Error{State: Invalid, Object: object, Err: err}
	}
	b := &bucket{at: at, client: client}
	if p := strings.Trim(at.Prefix, "/"); p != "" {
		b.prefix = p + "/"
	}
	// Listing is what every use needs, and unlike looking at the bucket it says why it is refused.
	first := errors.New("found one")
	err = b.ListBlobs(ctx, "kopia.", func(blob.Metadata) error { return first })
	if err != nil && !errors.Is(err, first) {
		return nil, classified(object, "opening", err)
	}
	return b, nil
}

func s3Transport(at S3Location) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 2 * time.Minute,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   16,
		DisableCompression:    true,
	}
	if at.PlainHTTP {
		return t, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if len(at.CABundle) > 0 && !roots.AppendCertsFromPEM(at.CABundle) {
		return nil, errors.New("the CA bundle holds no certificate")
	}
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	t.ForceAttemptHTTP2 = true
	return t, nil
}

func (b *bucket) ConnectionInfo() blob.ConnectionInfo { return blob.ConnectionInfo{} } // the layer above has the right one
func (b *bucket) DisplayName() string                 { return Location{Type: S3, S3: &b.at}.String() }
func (b *bucket) name(id blob.ID) string              { return b.prefix + string(id) }

func (b *bucket) GetBlob(ctx context.Context, id blob.ID, offset, length int64, out blob.OutputBuffer) error {
	out.Reset()
	if length == 0 {
		_, err := b.GetMetadata(ctx, id)
		return err
	}
	var o minio.GetObjectOptions
	if length > 0 {
		if offset < 0 {
			return blob.ErrInvalidRange
		}
		if err := o.SetRange(offset, offset+length-1); err != nil {
			return blob.ErrInvalidRange
		}
	}
	// A connection that breaks in the middle of a blob: the client repeats requests, not what was read of an answer.
	var err error
	for try := range 3 {
		out.Reset()
		if err = b.get(ctx, id, o, out); err == nil || ctx.Err() != nil || classifyRemote(err) != Unreachable && !errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(try+1) * 500 * time.Millisecond):
		}
	}
	if err != nil {
		return err
	}
	return blob.EnsureLengthExactly(out.Length(), length)
}

func (b *bucket) get(ctx context.Context, id blob.ID, o minio.GetObjectOptions, out blob.OutputBuffer) error {
	body, _, _, err := (&minio.Core{Client: b.client}).GetObject(ctx, b.at.Bucket, b.name(id), o)
	if err != nil {
		return absent(err)
	}
	defer body.Close()
	if _, err := io.Copy(out, body); err != nil {
		return fmt.Errorf("reading object: %w", err)
	}
	return nil
}

func absent(err error) error {
	var e minio.ErrorResponse
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Code == "NoSuchBucket":
		return err
	case e.StatusCode == http.StatusNotFound:
		return blob.ErrBlobNotFound
	case e.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return blob.ErrInvalidRange
	}
	return err
}

func (b *bucket) GetMetadata(ctx context.Context, id blob.ID) (blob.Metadata, error) {
	info, err := b.client.StatObject(ctx, b.at.Bucket, b.name(id), minio.StatObjectOptions{})
	if err != nil {
		return blob.Metadata{}, absent(err)
	}
	return blob.Metadata{BlobID: id, Length: info.Size, Timestamp: info.LastModified}, nil
}

func (b *bucket) PutBlob(ctx context.Context, id blob.ID, data blob.Bytes, o blob.PutOptions) error {
	switch {
	case o.HasRetentionOptions() || o.DoNotRecreate:
		return blob.ErrUnsupportedPutBlobOption
	case !o.SetModTime.IsZero():
		return blob.ErrSetTimeUnsupported
	}
	body := data.Reader()
	defer body.Close()
	_, err := b.client.PutObject(ctx, b.at.Bucket, b.name(id), body, int64(data.Length()), minio.PutObjectOptions{
		ContentType: "application/x-kopia", DisableMultipart: true, SendContentMd5: true,
	})
	if err != nil {
		return fmt.Errorf("writing object: %w", err)
	}
	if o.GetModTime != nil {
		m, err := b.GetMetadata(ctx, id)
		if err != nil {
			return err
		}
		*o.GetModTime = m.Timestamp
	}
	return nil
}

func (b *bucket) DeleteBlob(ctx context.Context, id blob.ID) error {
	err := absent(b.client.RemoveObject(ctx, b.at.Bucket, b.name(id), minio.RemoveObjectOptions{}))
	if errors.Is(err, blob.ErrBlobNotFound) {
		return nil
	}
	return err
}

func (b *bucket) ListBlobs(ctx context.Context, prefix blob.ID, fn func(blob.Metadata) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing when fn has had enough
	for o := range b.client.ListObjects(ctx, b.at.Bucket, minio.ListObjectsOptions{Prefix: b.name(prefix), Recursive: true}) {
		if o.Err != nil {
			return o.Err
		}
		id := strings.TrimPrefix(o.Key, b.prefix)
		if id == ".storageconfig" {
			continue // kopia's own settings for storage classes
		}
		if err := fn(blob.Metadata{BlobID: blob.ID(id), Length: o.Size, Timestamp: o.LastModified}); err != nil {
			return err
		}
	}
	return ctx.Err()
}
