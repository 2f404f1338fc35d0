package kube

import (
	"context"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
	"rollbook/text"
)

// checkTargets looks whether each component's workload is there: a name that is
// written wrong is found before the incident.
func (c *Client) checkTargets(ctx context.Context, targets []model.Target) []model.Check {
	out := make([]model.Check, len(targets))
	asks := make([]func(), len(targets))
	for i, t := range targets {
		asks[i] = func() { out[i] = c.checkTarget(ctx, t) }
	}
	several(asks...)
	return out
}

func (c *Client) checkTarget(ctx context.Context, t model.Target) model.Check {
	w := t.Workload
	ch := model.Check{ID: "workload " + t.ID, State: model.CheckOK, Text: w.String() + " is there"}
	_, err := c.do(ctx, call{method: http.MethodGet, path: workloadPath(w), accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"})
	switch {
	case err == nil:
	case apierrors.IsNotFound(err):
		ch.State, ch.Text = model.CheckBlocked, fmt.Sprintf("%s does not exist in namespace %s", w, w.Namespace)
		ch.Do = fmt.Sprintf("kubectl%s -n %s get %s; then mend components.%s.workload", c.flags, w.Namespace, w.Kind.Resource(), t.ID)
		if near := c.nearest(ctx, w); near != "" {
			ch.Text += "; did you mean " + near + "?"
		}
	case apierrors.IsForbidden(err):
		ch.State, ch.Text = model.CheckWarning, "whether "+w.String()+" is there: "+because(err)
	default:
		ch.State, ch.Text = model.CheckUnknown, "whether "+w.String()+" is there: "+because(err)
	}
	return ch
}

// nearest returns the workload of the same kind whose name is written almost so; "" for
// none.
func (c *Client) nearest(ctx context.Context, w model.Workload) string {
	list, err := c.metadata(ctx, appsPath(w.Namespace, w.Kind.Resource(), ""))
	if err != nil {
		return ""
	}
	best, least := "", 3
	for _, o := range list {
		name := text.Line(o.Name)
		if d := edits(w.Name, name); d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return model.Workload{Kind: w.Kind, Name: best}.String()
}

// edits counts the letters to be changed, put in or left out between two names.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0]++
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(diagonal+cost, row[j]+1, row[j+1]+1)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}

// CheckSelector looks whether a label selector finds a pod.
func (c *Client) CheckSelector(ctx context.Context, component, namespace, selector string) model.Check {
	ch := model.Check{ID: "pods " + component, State: model.CheckOK}
	seen := c.Selected(ctx, namespace, selector)
	switch {
	case seen.Forbidden:
		ch.State, ch.Text = model.CheckWarning, seen.Err
	case seen.Err != "":
		ch.State, ch.Text = model.CheckUnknown, selector+": "+seen.Err
	case seen.Total == 0:
		ch.State, ch.Text = model.CheckBlocked, fmt.Sprintf("no pod has the labels %s in namespace %s", selector, namespace)
		ch.Do = "mend components." + component + ".checks.pods"
	default:
		ch.Text = fmt.Sprintf("%s: %d of %d pods ready", selector, seen.Ready, seen.Total)
	}
	return ch
}
