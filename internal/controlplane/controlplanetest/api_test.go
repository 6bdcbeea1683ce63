package controlplanetest

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestStart(t *testing.T) {
	api := Start(t)
	list, err := api.Client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) == 0 {
		t.Fatalf("listing namespaces: %v, %d found", err, len(list.Items))
	}
	for _, s := range api.ControlPlane.Status() {
		t.Logf("%+v", s)
	}
}
