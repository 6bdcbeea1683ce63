package location

import (
	"errors"
	"strings"
	"testing"

	"kanrin.dev/kanrin/api/v1alpha1"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]v1alpha1.BackupRepository{
		"/srv/backups":   {Type: v1alpha1.RepositoryFilesystem, Path: "/srv/backups"},
		"/srv//backups/": {Type: v1alpha1.RepositoryFilesystem, Path: "/srv/backups"},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for text, want := range map[string]v1alpha1.S3Repository{
		"s3://minio.example:9000/backups":            {Endpoint: "minio.example:9000", Bucket: "backups"},
		"s3://s3.example/backups/prod/":              {Endpoint: "s3.example", Bucket: "backups", Prefix: "prod"},
		"s3://[::1]:9000/backups/a/b":                {Endpoint: "[::1]:9000", Bucket: "backups", Prefix: "a/b"},
		"s3://s3.ap-northeast-1.amazonaws.com/b-1/p": {Endpoint: "s3.ap-northeast-1.amazonaws.com", Bucket: "b-1", Prefix: "p"},
	} {
		got, err := Parse(text)
		if err != nil || got.Type != v1alpha1.RepositoryS3 || got.S3 == nil || *got.S3 != want {
			t.Errorf("%s: %+v %v", text, got.S3, err)
		}
	}
	for text, want := range map[string]v1alpha1.SFTPRepository{
		"sftp://kanrin@nas.example/backups":     {Host: "nas.example", User: "kanrin", Path: "/backups"},
		"sftp://kanrin@nas.example:2222/a/b/":   {Host: "nas.example", Port: 2222, User: "kanrin", Path: "/a/b"},
		"sftp://kanrin@[fd00::5]:2222/volume/b": {Host: "fd00::5", Port: 2222, User: "kanrin", Path: "/volume/b"},
	} {
		got, err := Parse(text)
		if err != nil || got.Type != v1alpha1.RepositorySFTP || got.SFTP == nil || *got.SFTP != want {
			t.Errorf("%s: %+v %v", text, got.SFTP, err)
		}
	}
	for text, want := range map[string]*Error{
		"": ErrEmpty, " ": ErrEmpty, "backups": ErrRelative, "./backups": ErrRelative, "/": ErrURL, "//": ErrURL,
		"http://h/b": ErrScheme, "file:///srv": ErrScheme,
		"s3://minio.example": ErrBucket, "s3://minio.example/": ErrBucket, "s3:///bucket": ErrHost, "s3://h/bucket?region=x": ErrQuery,
		"s3://key:hunter2@h/bucket": ErrSecret, "s3://key@h/bucket": ErrSecret, "sftp://u:hunter2@h/p": ErrSecret,
		"sftp://h/p": ErrUser, "sftp://u@h": ErrPath, "sftp://u@h/": ErrPath, "sftp://u@/p": ErrHost, "sftp://u@h:0/p": ErrPort, "sftp://u@h:70000/p": ErrPort,
		"sftp://u:hun ter2@h:x/p": ErrURL,
	} {
		got, err := Parse(text)
		if !errors.Is(err, want) {
			t.Errorf("%q: %+v %v, want %v", text, got, err, want)
		}
		if err != nil && strings.Contains(err.Error()+Shown(text), "hunter2") {
			t.Errorf("%q: a secret is repeated: %v %s", text, err, Shown(text))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"/srv", "s3://h/bucket/p", "sftp://u@h:22/p", "s3://%zz", "sftp://u:p@h/p"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := Parse(s)
		if err != nil {
			return
		}
		forms := 0
		for _, has := range []bool{r.Path != "", r.S3 != nil, r.SFTP != nil} {
			if has {
				forms++
			}
		}
		if forms != 1 {
			t.Errorf("%q: %+v", s, r)
		}
	})
}
