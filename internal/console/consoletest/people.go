package consoletest

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
)

// user name of a persona.
func user(persona string) string { return "matrix-" + persona }

func inventoryUser(persona string, roles map[string]string) inventory.User {
	return inventory.User{Name: user(persona), Password: rand.Text(), Roles: roles}
}

// ExpireIn returns a Target.Expire for sessions that are stored in the management API.
func ExpireIn(client kubernetes.Interface) func(context.Context, string) error {
	return func(ctx context.Context, session string) error {
		secrets := client.CoreV1().Secrets(v1alpha1.SystemNamespace)
		secret, err := secrets.Get(ctx, "session-"+session, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("reading session %s: %w", session, err)
		}
		secret.Data["expires"] = []byte(time.Now().Add(-time.Minute).UTC().Format(time.RFC3339))
		_, err = secrets.Update(ctx, secret, metav1.UpdateOptions{})
		return err
	}
}
