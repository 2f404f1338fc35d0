package shop

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// A release is a change of a workload's template.
type release struct {
	tag   string            // of the first container's image; empty = the next one
	env   map[string]string // set
	unset []string          // env removed
	// behave are the pods' annotations testbed/…; those not named are removed.
	behave map[string]string
	cause  string
}

var behaviours = []string{"testbed/behaviour", "testbed/errors", "testbed/latency", "testbed/rps", "testbed/start"}

// kinds are the releases that one can ask for.
var kinds = map[string]release{
	"good":        {env: map[string]string{"LOG_LEVEL": "debug"}},
	"errors":      {env: map[string]string{"PAYMENT_TIMEOUT": "0"}, behave: map[string]string{"testbed/errors": "0.3"}},
	"slow":        {env: map[string]string{"DB_POOL_SIZE": "1"}, behave: map[string]string{"testbed/latency": "3.5s"}},
	"hang":        {env: map[string]string{"DB_POOL_SIZE": "0"}, behave: map[string]string{"testbed/latency": "inf"}},
	"silent":      {env: map[string]string{"LISTEN": "127.0.0.1"}, behave: map[string]string{"testbed/rps": "0"}},
	"crash":       {unset: []string{"PAYMENT_URL"}, behave: map[string]string{"testbed/behaviour": "crash"}},
	"crash-later": {unset: []string{"PAYMENT_URL"}, behave: map[string]string{"testbed/behaviour": "crash-later"}},
	"imagepull":   {env: map[string]string{"LOG_LEVEL": "info"}, behave: map[string]string{"testbed/behaviour": "imagepull"}},
	"never-ready": {env: map[string]string{"CACHE_WARMUP": "all"}, behave: map[string]string{"testbed/behaviour": "never-ready"}},
	"slow-start":  {env: map[string]string{"CACHE_WARMUP": "some"}, behave: map[string]string{"testbed/behaviour": "slow-start"}},
}

// Kinds lists the kinds of release.
func Kinds() []string {
	return slices.Sorted(maps.Keys(kinds))
}

// Released tells what a release did.
type Released struct {
	Namespace string `json:"namespace"`
	Kind      string `json:"kind"` // of the workload
	Workload  string `json:"workload"`
	Release   string `json:"release"`
	From      string `json:"from"` // images
	To        string `json:"to"`
}

// Release releases a new version of a workload, of one of the kinds, as a
// pipeline would. It does not wait for the rollout.
func Release(ctx context.Context, c kubernetes.Interface, namespace, name, kind string) (Released, error) {
	r, ok := kinds[kind]
	if !ok {
		return Released{}, fmt.Errorf("release of %s/%s: no kind %q; there are %s", namespace, name, kind, strings.Join(Kinds(), ", "))
	}
	w, err := find(ctx, c, "", namespace, name)
	if err != nil {
		return Released{}, err
	}
	from := w.container.Image
	repo, tag, _ := strings.Cut(from, ":")
	r.tag = next(tag)
	r.cause = fmt.Sprintf("deploy %s, pipeline %d", r.tag, 4700+w.generation*7)
	if err := w.patch(ctx, c, r); err != nil {
		return Released{}, err
	}
	return Released{namespace, w.kind, name, kind, from, repo + ":" + r.tag}, nil
}

// next raises the second number of a version, as a team that ships often does.
func next(tag string) string {
	parts := strings.Split(tag, ".")
	if len(parts) < 2 {
		return tag + ".1"
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return tag + ".1"
	}
	parts[1] = strconv.Itoa(n + 1)
	for i := 2; i < len(parts); i++ {
		parts[i] = "0"
	}
	return strings.Join(parts, ".")
}

// patch writes the release as one strategic merge patch.
func (w workload) patch(ctx context.Context, c kubernetes.Interface, r release) error {
	repo, _, _ := strings.Cut(w.container.Image, ":")
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{"kubernetes.io/change-cause": r.cause}},
		"spec": map[string]any{"template": map[string]any{
			"metadata": map[string]any{"annotations": r.annotations()},
			"spec": map[string]any{"containers": []any{map[string]any{
				"name": w.container.Name, "image": repo + ":" + r.tag, "env": r.envPatch(w.container.Env),
			}}},
		}},
	})
	if err != nil {
		return fmt.Errorf("release %s: %w", w, err)
	}
	opts := metav1.PatchOptions{FieldManager: Manager}
	if w.kind == "StatefulSet" {
		_, err = c.AppsV1().StatefulSets(w.namespace).Patch(ctx, w.name, types.StrategicMergePatchType, body, opts)
	} else {
		_, err = c.AppsV1().Deployments(w.namespace).Patch(ctx, w.name, types.StrategicMergePatchType, body, opts)
	}
	if err != nil {
		return fmt.Errorf("release %s: %w", w, err)
	}
	return nil
}

func (r release) annotations() map[string]any {
	out := map[string]any{}
	for _, b := range behaviours {
		out[b] = nil // removes
		if v, ok := r.behave[b]; ok {
			out[b] = v
		}
	}
	return out
}

func (r release) envPatch(old []corev1.EnvVar) []any {
	out := []any{}
	for _, k := range slices.Sorted(maps.Keys(r.env)) {
		out = append(out, map[string]any{"name": k, "value": r.env[k]})
	}
	for _, k := range r.unset {
		if slices.ContainsFunc(old, func(e corev1.EnvVar) bool { return e.Name == k }) {
			out = append(out, map[string]any{"name": k, "$patch": "delete"})
		}
	}
	return out
}
