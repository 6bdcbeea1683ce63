package app

import (
	"os"
	"testing"

	"github.com/go-logr/logr"
	controllerlog "sigs.k8s.io/controller-runtime/pkg/log"
)

func TestMain(m *testing.M) {
	controllerlog.SetLogger(logr.Discard())
	os.Exit(m.Run())
}
