package proof

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestNoScratch(t *testing.T) {
	disk := t.TempDir()
	for name, tt := range map[string]struct {
		conf   Configuration
		need   int64
		reason string
	}{
		"on a disk":       {Configuration{Scratch: disk}, 1, NotMemory},
		"too little":      {Configuration{Scratch: DefaultScratch}, 1 << 50, NoRoom},
		"too little disk": {Configuration{Scratch: disk, AllowDisk: true}, 1 << 60, NoRoom},
		"nowhere":         {Configuration{Scratch: filepath.Join(disk, "nowhere")}, 1, Unusable},
	} {
		_, err := openScratch(tt.conf, tt.need)
		var none *NoScratch
		if !errors.As(err, &none) || none.Reason != tt.reason || none.Error() == "" || (tt.reason == NoRoom) != (none.Need == tt.need && none.Have > 0) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := openScratch(Configuration{Scratch: disk, AllowDisk: true}, 1)
	if err != nil {
		t.Fatal(err)
	}
	sweep(t, disk, 0) // in use
	s.lock.Close()    // as the end of the process would
	sweep(t, disk, 1)
	if entries, err := os.ReadDir(disk); len(entries) > 0 || err != nil {
		t.Error(entries, err)
	}
}

// TestFull: a scratch file system that fills up is the machine's fault, not the set's.
func TestFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting takes root")
	}
	dir := t.TempDir()
	if err := mountTmpfs(dir, "size=4m"); err != nil {
		t.Skip("mounting: ", err)
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Error(err)
		}
	})
	s := takeSet(t)
	in := s.input()
	in.Size = int64(len(s.data))
	conf := configuration(t)
	conf.Scratch = dir
	_, err := Run(t.Context(), conf, in, nil)
	var none *NoScratch
	if !errors.As(err, &none) || none.Reason != NoRoom {
		t.Error(err)
	}
	r := &run{conf: conf.withDefaults(), in: in, result: &Result{}}
	if r.scratch, err = openScratch(r.conf, 1); err != nil {
		t.Fatal(err)
	}
	defer r.scratch.Close()
	if err := r.writeSnapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.scratch.explain(r.restore(t.Context())); !errors.As(err, &none) || none.Reason != NoRoom {
		t.Error(err, r.problems.all()) // the files of etcd's log alone are larger
	}
}

func TestEncryptionWithoutKMS(t *testing.T) {
	for in, want := range map[string]string{
		`{"kind":"EncryptionConfiguration","resources":[{"resources":["secrets"],"providers":[{"kms":{"name":"vault"}}]}]}`:                 "kind: EncryptionConfiguration\nresources:\n- providers:\n  - identity: {}\n  resources:\n  - secrets\n",
		`{"kind":"EncryptionConfiguration","resources":[{"resources":["secrets"],"providers":[{"kms":{"name":"vault"}},{"identity":{}}]}]}`: "kind: EncryptionConfiguration\nresources:\n- providers:\n  - identity: {}\n  resources:\n  - secrets\n",
		`{"kind":"EncryptionConfiguration","resources":[{"resources":["secrets"],"providers":[{"identity":{}}]}]}`:                          `{"kind":"EncryptionConfiguration","resources":[{"resources":["secrets"],"providers":[{"identity":{}}]}]}`,
		`{"kind":"Other"}`: "", `[`: "", `{"kind":"EncryptionConfiguration"}`: "", `{"kind":"EncryptionConfiguration","resources":[1]}`: "",
		`{"kind":"EncryptionConfiguration","resources":[{"providers":[1]}]}`: "", `{"kind":"EncryptionConfiguration","resources":[{"providers":1}]}`: "",
	} {
		r := &run{in: Input{Encryption: []byte(in)}}
		got, err := r.encryption()
		if string(got) != want || (err != nil) != (want == "") {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
}
