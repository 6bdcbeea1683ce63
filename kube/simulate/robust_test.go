package simulate

import (
	"bytes"
	"strings"
	"testing"
)

// The API server refuses most of this; a snapshot may hold it nevertheless.
func TestUnvalidatedObjects(t *testing.T) {
	node := `{"apiVersion":"v1","kind":"Node","metadata":{"name":"w1","labels":{"kubernetes.io/hostname":"w1"}},"status":{"allocatable":{"cpu":"4","memory":"8Gi","pods":"10"}}}`
	pod := func(name, spec string) string {
		return `{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"shop","name":"` + name + `","labels":{"app":"a"},"ownerReferences":[{"kind":"ReplicaSet","name":"r","controller":true}]},"spec":` + spec + `}`
	}
	specs := []string{
		`null`,
		`{}`,
		`{"containers":null,"initContainers":[{}]}`,
		`{"containers":[{"resources":{"requests":{"cpu":"-5","memory":"-1","pods":"-3","example.com/x":"-1"}}}]}`,
		`{"containers":[{"resources":{"requests":{"cpu":"9999999999999999999999","memory":"1E30"}}}]}`,
		`{"containers":[{"ports":[{"hostPort":80},{"hostPort":80},{"hostPort":-1,"protocol":"X","hostIP":"z"}]}]}`,
		`{"topologySpreadConstraints":[{}]}`,
		`{"topologySpreadConstraints":[{"maxSkew":0,"topologyKey":"kubernetes.io/hostname","whenUnsatisfiable":"DoNotSchedule","minDomains":-1}]}`,
		`{"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"kubernetes.io/hostname","whenUnsatisfiable":"ScheduleAnyway","labelSelector":{"matchExpressions":[{"key":"a","operator":"Maybe"}]},"matchLabelKeys":["x",""]}]}`,
		`{"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{}]}}}`,
		`{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"","labelSelector":{"matchExpressions":[{"key":"/","operator":"In"}]}}],"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":-5,"podAffinityTerm":{"namespaceSelector":{}}}]}}}`,
		`{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":null},"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"preference":{"matchExpressions":[{"key":"a","operator":"Gt","values":["x"]}]}}]}}}`,
		`{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In","values":[]}]}]}}}}`,
		`{"tolerations":[{"operator":"Perhaps"}],"nodeSelector":{"":""}}`,
		`{"volumes":[{"name":"v"},{"persistentVolumeClaim":{}},{"ephemeral":{}},{"ephemeral":{"volumeClaimTemplate":{}}},{"csi":{}},{"gcePersistentDisk":{}}]}`,
		`{"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"c"}}]}`,
		`{"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"d"}}]}`,
		`{"resourceClaims":[{"name":"x"},{"resourceClaimName":"nope"},{"resourceClaimTemplateName":"t"}]}`,
		`{"resourceClaims":[{"name":"x","resourceClaimName":"rc"}]}`,
		`{"schedulingGates":[{}]}`,
		`{"overhead":{"cpu":"1"},"resources":{"requests":{"cpu":"x1"}}}`,
		`{"priority":2147483647,"preemptionPolicy":"Sometimes","schedulerName":"default-scheduler"}`,
	}
	others := strings.Join([]string{
		`{"apiVersion":"v1","kind":"Node","metadata":{"name":"empty"}}`,
		`{"apiVersion":"v1","kind":"Node","metadata":{"name":"odd"},"spec":{"taints":[{},{"effect":"Perhaps"}]},"status":{"allocatable":{"cpu":"-4","pods":"-1"},"images":[{},{"names":[""],"sizeBytes":-1}]}}`,
		`{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"namespace":"shop","name":"c"}}`,
		`{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"namespace":"shop","name":"d","annotations":{"pv.kubernetes.io/bind-completed":"yes"}},"spec":{"volumeName":"p","storageClassName":"s"}}`,
		`{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"p"},"spec":{"claimRef":{},"nodeAffinity":{}}}`,
		`{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"s"}}`,
		`{"apiVersion":"storage.k8s.io/v1","kind":"CSINode","metadata":{"name":"w1"},"spec":{"drivers":[{"name":"","allocatable":{"count":-1}}]}}`,
		`{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"namespace":"shop","name":"b"},"spec":{"selector":{"matchExpressions":[{"operator":"?"}]}},"status":{"expectedPods":-1}}`,
		`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"namespace":"shop","name":"r"}}`,
		`{"apiVersion":"v1","kind":"Service","metadata":{"namespace":"shop","name":"s"}}`,
		`{"apiVersion":"resource.k8s.io/v1","kind":"ResourceClaim","metadata":{"namespace":"shop","name":"rc"},"spec":{"devices":{"requests":[{"name":"a"}],"constraints":[{}]}}}`,
		`{"apiVersion":"resource.k8s.io/v1","kind":"ResourceSlice","metadata":{"name":"rs"},"spec":{"devices":[{}]}}`,
		`{"apiVersion":"resource.k8s.io/v1","kind":"DeviceClass","metadata":{"name":"dc"},"spec":{"selectors":[{}]}}`,
	}, "\n")
	for _, spec := range specs {
		running := strings.Replace(spec, "{", `{"nodeName":"w1",`, 1)
		running = strings.Replace(running, ",}", "}", 1)
		input := strings.Join([]string{
			header(`{"name":"s","rounds":[{"evict":[{"namespace":"shop","name":"a","recreate":true}],"copies":[{"namespace":"shop","name":"b","count":2}]}]}`),
			pod("a", running), pod("b", running), pod("c", spec), node, others,
		}, "\n")
		var out, talk bytes.Buffer
		code := Command([]string{"-round-limit", "3s"}, strings.NewReader(input), &out, &talk)
		if code == 0 {
			continue
		}
		if talk.Len() == 0 || out.Len() > 0 {
			t.Errorf("%s: exit code %d, %q, %q", spec, code, talk.String(), out.String())
		}
		t.Logf("%s: %s", spec, talk.String())
	}
}
