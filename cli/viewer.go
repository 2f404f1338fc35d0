package cli

import (
	"context"
	"iter"
	"strings"

	"rollbook/kube"
	"rollbook/model"
	"rollbook/ui"
)

// viewer is a kube.Client as what the screen looks at beside the incident.
type viewer struct{ c *kube.Client }

var _ ui.Viewer = viewer{}

// eventLines is how many events the screen shows of one component.
const eventLines = 200

func (v viewer) Logs(ctx context.Context, c *model.Component, pod, container string, previous bool, tail int) ([]string, error) {
	var lines []string
	for line, err := range v.log(ctx, c, pod, kube.LogOptions{Container: container, Previous: previous, Tail: int64(tail)}) {
		if err != nil {
			return lines, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func (v viewer) Follow(ctx context.Context, c *model.Component, pod, container string, tail int, out func(lines []string)) error {
	for line, err := range v.log(ctx, c, pod, kube.LogOptions{Container: container, Tail: int64(tail), Follow: true}) {
		if err != nil {
			return err
		}
		out([]string{line})
	}
	return nil
}

func (v viewer) log(ctx context.Context, c *model.Component, pod string, o kube.LogOptions) iter.Seq2[string, error] {
	return v.c.Logs(ctx, c.Workload.Namespace, pod, o)
}

func (v viewer) Manifest(ctx context.Context, c *model.Component) (string, error) {
	return v.c.Manifest(ctx, c)
}

func (v viewer) Diff(ctx context.Context, c *model.Component, to string) (string, error) {
	lines, err := v.c.Diff(ctx, c, to)
	return strings.Join(lines, "\n"), err
}

func (v viewer) Events(ctx context.Context, c *model.Component) (model.Events, error) {
	return v.c.Events(ctx, c, eventLines)
}
