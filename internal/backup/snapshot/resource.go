package snapshot

// groups are the resources that the API server keeps under their own name, by the group that they are served in. Those
// of other groups, custom resources among them, are kept under group and name.
var groups = map[string][]string{
	"": {
		"configmaps", "events", "limitranges", "namespaces", "persistentvolumeclaims", "persistentvolumes", "pods",
		"podtemplates", "resourcequotas", "secrets", "serviceaccounts",
	},
	"admissionregistration.k8s.io": {
		"mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "mutatingwebhookconfigurations",
		"validatingadmissionpolicies", "validatingadmissionpolicybindings", "validatingwebhookconfigurations",
	},
	"apps":                         {"controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"},
	"autoscaling":                  {"horizontalpodautoscalers"},
	"batch":                        {"cronjobs", "jobs"},
	"certificates.k8s.io":          {"certificatesigningrequests", "clustertrustbundles", "podcertificaterequests"},
	"coordination.k8s.io":          {"leasecandidates", "leases"},
	"discovery.k8s.io":             {"endpointslices"},
	"flowcontrol.apiserver.k8s.io": {"flowschemas", "prioritylevelconfigurations"},
	"internal.apiserver.k8s.io":    {"storageversions"},
	"networking.k8s.io":            {"ingressclasses", "ipaddresses", "networkpolicies", "servicecidrs"},
	"node.k8s.io":                  {"runtimeclasses"},
	"policy":                       {"poddisruptionbudgets"},
	"rbac.authorization.k8s.io":    {"clusterrolebindings", "clusterroles", "rolebindings", "roles"},
	"resource.k8s.io": {
		"deviceclasses", "devicetaintrules", "podschedulingcontexts", "resourceclaims", "resourceclaimtemplates",
		"resourceclasses", "resourcepoolstatusrequests", "resourceslices",
	},
	"scheduling.k8s.io": {"podgroups", "priorityclasses", "workloads"},
	"storage.k8s.io": {
		"csidrivers", "csinodes", "csistoragecapacities", "storageclasses", "volumeattachments", "volumeattributesclasses",
	},
	"storagemigration.k8s.io": {"storageversionmigrations"},
}

// oddities are the resources that are kept under another name than their own.
var oddities = map[string]Name{
	"controllers":        {Resource: "replicationcontrollers"},
	"minions":            {Resource: "nodes"},
	"services/endpoints": {Resource: "endpoints"},
	"services/specs":     {Resource: "services"},
	"ingress":            {Group: "networking.k8s.io", Resource: "ingresses"},
	"podsecuritypolicy":  {Group: "policy", Resource: "podsecuritypolicies"},
	// The API server's own records, which no API serves.
	"masterleases":     {Resource: "masterleases"},
	"peerserverleases": {Resource: "peerserverleases"},
	"ranges":           {Resource: "ranges"},
}

// byPath and byName translate between a resource and where it is kept.
var byPath, byName = func() (map[string]Name, map[Name]string) {
	paths, names := make(map[string]Name), make(map[Name]string)
	for group, resources := range groups {
		for _, resource := range resources {
			paths[resource] = Name{Group: group, Resource: resource}
		}
	}
	for path, name := range oddities {
		paths[path] = name
	}
	for path, name := range paths {
		names[name] = path
	}
	names[Name{Group: "events.k8s.io", Resource: "events"}] = "events"
	for _, moved := range []string{"daemonsets", "deployments", "ingresses", "networkpolicies", "replicasets"} {
		for path, name := range paths {
			if name.Resource == moved {
				names[Name{Group: "extensions", Resource: moved}] = path
			}
		}
	}
	return paths, names
}()
