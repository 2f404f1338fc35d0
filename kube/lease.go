package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
	"rollbook/text"
)

// What a Lease carries beside its own fields, for the other operator.
const (
	annStep     = "rollbook/step"
	annIncident = "rollbook/incident"
	annOwes     = "rollbook/owes" // what is switched off and not put back, a line each
	annOwer     = "rollbook/owed-by"
)

// leaseTries is how often a Lease is read again because somebody else wrote it
// in between.
const leaseTries = 5

// Lease takes, renews, releases or reads a workload's Lease. It is written only
// over the version that was read: of two who take it at once one gets it, and
// the other is told who has it.
func (c *Client) Lease(ctx context.Context, a model.LeaseAsk) (model.Lease, error) {
	for range leaseTries {
		old, err := c.getLease(ctx, a.Workload)
		if err != nil {
			return model.Lease{}, leaseError("read", a.Workload, err)
		}
		if old == nil && (a.Look || a.Release) {
			return model.Lease{}, nil
		}
		now := c.now().UTC()
		is := leaseOf(old, a.Holder, now)
		if a.Look || a.Release && !is.Mine || !a.Release && !a.Force && is.Other() {
			return is, nil
		}
		next := nextLease(old, a, now)
		if err = c.putLease(ctx, a.Workload, next); err == nil {
			out := leaseOf(next, a.Holder, now)
			if a.Force && !is.Mine {
				out.From = is.Holder
			}
			return out, nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !apierrors.IsNotFound(err) {
			return model.Lease{}, leaseError("write", a.Workload, err)
		}
	}
	return model.Lease{}, fmt.Errorf("the lease on %s was written by others faster than it could be read", a.Workload)
}

func leaseError(what string, w model.Workload, err error) error {
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("you may not %s leases in %s: %w", what, w.Namespace, err)
	}
	return model.Told(nil, err, "could not %s the lease on %s: %s", what, w, because(err))
}

// leaseName is one for each workload, and a name of Kubernetes: no more than 253
// bytes.
func leaseName(w model.Workload) string {
	name := "rollbook-" + strings.ToLower(string(w.Kind)) + "-" + w.Name
	if len(name) > 253 {
		name = name[:220] + "-" + model.Digest(name)
	}
	return name
}

func leasePath(w model.Workload, name string) string {
	return objectPath("/apis/coordination.k8s.io/v1", w.Namespace, "leases", name)
}

// getLease reads it; nil when there is none.
func (c *Client) getLease(ctx context.Context, w model.Workload) (*coordinationv1.Lease, error) {
	body, err := c.do(ctx, call{method: http.MethodGet, path: leasePath(w, leaseName(w)), want: "Lease"})
	switch {
	case gone(err, leaseName(w)):
		return nil, nil
	case err != nil:
		return nil, err
	}
	l := &coordinationv1.Lease{}
	if err := json.Unmarshal(body, l); err != nil {
		return nil, err
	}
	return l, nil
}

// putLease writes it over the version that it was made of, or as a new one.
func (c *Client) putLease(ctx context.Context, w model.Workload, l *coordinationv1.Lease) error {
	body, err := json.Marshal(l)
	if err != nil {
		return err
	}
	r := call{method: http.MethodPut, path: leasePath(w, l.Name), query: url.Values{"fieldManager": {Manager}},
		body: body, kind: "application/json", want: "Lease"}
	if l.ResourceVersion == "" {
		r.method, r.path = http.MethodPost, leasePath(w, "")
	}
	answer, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	now := &coordinationv1.Lease{}
	if err := json.Unmarshal(answer, now); err != nil {
		return err
	}
	if now.Name != l.Name || now.ResourceVersion == "" || now.ResourceVersion == l.ResourceVersion ||
		now.Spec.HolderIdentity == nil || *now.Spec.HolderIdentity != *l.Spec.HolderIdentity {
		return &unreached{err: errForeign, text: "the answer is not the lease as it was written"}
	}
	return nil
}

// leaseOf is what a Lease says to somebody called holder. Its text was written
// by others.
func leaseOf(l *coordinationv1.Lease, holder string, now time.Time) model.Lease {
	if l == nil {
		return model.Lease{}
	}
	owed := owedOf(l)
	if l.Spec.HolderIdentity == nil || *l.Spec.HolderIdentity == "" {
		if len(owed) == 0 {
			return model.Lease{}
		}
		return model.Lease{Owes: owed, From: clip(text.Line(l.Annotations[annOwer]), 120), Incident: clip(text.Line(l.Annotations[annIncident]), 120)}
	}
	out := model.Lease{Holder: clip(text.Line(*l.Spec.HolderIdentity), 120), Step: clip(text.Line(l.Annotations[annStep]), 30),
		Incident: clip(text.Line(l.Annotations[annIncident]), 120), Mine: *l.Spec.HolderIdentity == holder, Owes: owed}
	if t := l.Spec.AcquireTime; t != nil {
		out.Since = t.Time
	}
	life := model.LeaseLife
	if s := l.Spec.LeaseDurationSeconds; s != nil && *s > 0 {
		life = time.Duration(*s) * time.Second
	}
	if t := l.Spec.RenewTime; t != nil {
		out.Renewed = t.Time
	}
	out.Expired = now.Sub(out.Renewed) > life
	return out
}

// owedMost bounds what is read of another's debts.
const owedMost = 10

// owedOf is what a Lease says to be switched off.
func owedOf(l *coordinationv1.Lease) []string {
	var out []string
	for _, line := range strings.Split(l.Annotations[annOwes], "\n") {
		if line = clip(text.Line(line), 160); line != "" && len(out) < owedMost {
			out = append(out, line)
		}
	}
	return out
}

// nextLease is the Lease as it is to be: ours, renewed, or given back.
func nextLease(old *coordinationv1.Lease, a model.LeaseAsk, now time.Time) *coordinationv1.Lease {
	l := &coordinationv1.Lease{TypeMeta: metav1.TypeMeta{APIVersion: "coordination.k8s.io/v1", Kind: "Lease"},
		ObjectMeta: metav1.ObjectMeta{Name: leaseName(a.Workload), Namespace: a.Workload.Namespace}}
	if old != nil {
		l = old.DeepCopy()
	}
	was := ""
	if l.Spec.HolderIdentity != nil {
		was = *l.Spec.HolderIdentity
	}
	at := metav1.NewMicroTime(now)
	holder, seconds := a.Holder, int32(model.LeaseLife/time.Second)
	if a.Release {
		holder, seconds = "", 1
	}
	l.Spec.HolderIdentity, l.Spec.LeaseDurationSeconds, l.Spec.RenewTime = &holder, &seconds, &at
	if was != a.Holder {
		l.Spec.AcquireTime = &at
		if old != nil {
			n := int32(1)
			if t := l.Spec.LeaseTransitions; t != nil {
				n = *t + 1
			}
			l.Spec.LeaseTransitions = &n
		}
	}
	if l.Annotations == nil {
		l.Annotations = map[string]string{}
	}
	l.Annotations[annStep], l.Annotations[annIncident] = a.Step, a.Incident
	switch {
	case len(a.Owes) > 0:
		l.Annotations[annOwes], l.Annotations[annOwer] = strings.Join(a.Owes, "\n"), a.Holder
	case l.Annotations[annOwer] == a.Holder:
		delete(l.Annotations, annOwes) // ours are put back; another's stay until they are
		delete(l.Annotations, annOwer)
	}
	return l
}
