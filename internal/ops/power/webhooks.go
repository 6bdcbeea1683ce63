package power

import (
	"context"
	"slices"
	"sort"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	kindValidating = "ValidatingWebhookConfiguration"
	kindMutating   = "MutatingWebhookConfiguration"
	// markSuspended on a configuration names the operation that set its webhooks to ignore failures.
	markSuspended = "kanrin.dev/suspended-by"
	// markHooks names those webhooks.
	markHooks = "kanrin.dev/suspended-webhooks"
)

// needed are the requests without which nodes and pods do not come up, by API group.
var needed = map[string][]string{
	"":                    {"pods", "nodes", "pods/status", "nodes/status", "pods/binding", "serviceaccounts/token", "endpoints", "configmaps", "secrets"},
	"coordination.k8s.io": {"leases"},
	"discovery.k8s.io":    {"endpointslices"},
	"certificates.k8s.io": {"certificatesigningrequests"},
	"apps":                {"daemonsets", "replicasets", "deployments", "statefulsets"},
}

// deadlocks finds the webhooks that would keep a cluster from starting: they fail closed, they are answered by pods of the cluster itself,
// and they are asked about something that those pods need in order to run.
func deadlocks(validating []admissionv1.ValidatingWebhookConfiguration, mutating []admissionv1.MutatingWebhookConfiguration) []Webhook {
	found := map[string]*Webhook{}
	look := func(key, name string, fail *admissionv1.FailurePolicyType, cc admissionv1.WebhookClientConfig, rules []admissionv1.RuleWithOperations, ns *metav1.LabelSelector) {
		if cc.Service == nil || fail != nil && *fail != admissionv1.Fail {
			return
		}
		matters := matter(rules)
		if matters == "" || excludes(ns, cc.Service.Namespace) && excludes(ns, "kube-system") {
			return
		}
		w := found[key]
		if w == nil {
			w = &Webhook{Key: key, Service: cc.Service.Namespace + "/" + cc.Service.Name, Matters: matters}
			found[key] = w
		}
		w.Names = append(w.Names, name)
	}
	for _, c := range validating {
		for _, w := range c.Webhooks {
			look(kindValidating+"/"+c.Name, w.Name, w.FailurePolicy, w.ClientConfig, w.Rules, w.NamespaceSelector)
		}
	}
	for _, c := range mutating {
		for _, w := range c.Webhooks {
			look(kindMutating+"/"+c.Name, w.Name, w.FailurePolicy, w.ClientConfig, w.Rules, w.NamespaceSelector)
		}
	}
	out := make([]Webhook, 0, len(found))
	for _, w := range found {
		out = append(out, *w)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	return out
}

// matter names the first needed resource that the rules cover.
func matter(rules []admissionv1.RuleWithOperations) string {
	for _, group := range []string{"", "coordination.k8s.io", "discovery.k8s.io", "certificates.k8s.io", "apps"} {
		for _, r := range rules {
			if !covers(r.APIGroups, group) {
				continue
			}
			for _, resource := range needed[group] {
				for _, pattern := range r.Resources {
					if pattern == "*/*" || pattern == resource || pattern == "*" && !strings.Contains(resource, "/") ||
						strings.HasSuffix(pattern, "/*") && (resource == pattern[:len(pattern)-2] || strings.HasPrefix(resource, pattern[:len(pattern)-1])) {
						return resource
					}
				}
			}
		}
	}
	return ""
}

func covers(list []string, item string) bool {
	return slices.Contains(list, "*") || slices.Contains(list, item)
}

// excludes reports whether the selector surely leaves a namespace out by its name, which every namespace carries as a label.
func excludes(s *metav1.LabelSelector, namespace string) bool {
	if s == nil {
		return false
	}
	if v, ok := s.MatchLabels["kubernetes.io/metadata.name"]; ok && v != namespace {
		return true
	}
	for _, e := range s.MatchExpressions {
		if e.Key != "kubernetes.io/metadata.name" {
			continue
		}
		in := slices.Contains(e.Values, namespace)
		if e.Operator == metav1.LabelSelectorOpNotIn && in || e.Operator == metav1.LabelSelectorOpIn && !in {
			return true
		}
	}
	return false
}

// setPolicy sets the failure policy of webhooks of a configuration in one conditional write: of the named ones, or of all when none is
// named. Suspending (to Ignore) marks the configuration with who did it and which webhooks those were; putting back (to Fail) touches only
// those of the mark. Webhooks that are gone, or that somebody has changed meanwhile, are left alone. It reports whether anything was to be
// done.
func setPolicy(ctx context.Context, k kubernetes.Interface, key string, hooks []string, to admissionv1.FailurePolicyType, mark string) (bool, error) {
	kind, name, _ := strings.Cut(key, "/")
	api := k.AdmissionregistrationV1()
	o := metav1.UpdateOptions{FieldManager: "kanrin"}
	if kind == kindMutating {
		c, err := api.MutatingWebhookConfigurations().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		var all []*policy
		for i := range c.Webhooks {
			all = append(all, &policy{c.Webhooks[i].Name, &c.Webhooks[i].FailurePolicy})
		}
		if !turn(&c.ObjectMeta, all, hooks, to, mark) {
			return false, nil
		}
		_, err = api.MutatingWebhookConfigurations().Update(ctx, c, o)
		return true, err
	}
	c, err := api.ValidatingWebhookConfigurations().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return false, err
	}
	var all []*policy
	for i := range c.Webhooks {
		all = append(all, &policy{c.Webhooks[i].Name, &c.Webhooks[i].FailurePolicy})
	}
	if !turn(&c.ObjectMeta, all, hooks, to, mark) {
		return false, nil
	}
	_, err = api.ValidatingWebhookConfigurations().Update(ctx, c, o)
	return true, err
}

// policy is that of one webhook.
type policy struct {
	name string
	is   **admissionv1.FailurePolicyType
}

// turn changes the policies and the marks, and reports whether it changed anything.
func turn(meta *metav1.ObjectMeta, all []*policy, hooks []string, to admissionv1.FailurePolicyType, mark string) bool {
	from := admissionv1.Fail
	if to == admissionv1.Fail {
		from = admissionv1.Ignore
		// Only what was suspended is put back: there may be others that ignored failures all along.
		hooks = nil
		if names := meta.Annotations[markHooks]; names != "" {
			hooks = strings.Split(names, ",")
		}
		if len(hooks) == 0 {
			return false
		}
	}
	var changed []string
	for _, p := range all {
		if len(hooks) > 0 && !slices.Contains(hooks, p.name) || *p.is != nil && **p.is != from || *p.is == nil && from != admissionv1.Fail {
			continue
		}
		*p.is = &to
		changed = append(changed, p.name)
	}
	if to == admissionv1.Fail {
		delete(meta.Annotations, markHooks)
		delete(meta.Annotations, markSuspended)
		return true
	}
	if len(changed) == 0 {
		return false
	}
	if meta.Annotations == nil {
		meta.Annotations = map[string]string{}
	}
	if had := meta.Annotations[markHooks]; had != "" { // of an attempt before
		changed = append(strings.Split(had, ","), changed...)
	}
	meta.Annotations[markHooks], meta.Annotations[markSuspended] = strings.Join(changed, ","), mark
	return true
}
