package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
)

// selectedMost is how many pods of a selector are looked at.
const selectedMost = 1000

// Selected counts the pods of a label selector, and those of them that are
// ready. Pods that are ending or have ended do not count.
func (c *Client) Selected(ctx context.Context, namespace, selector string) model.SelectedSeen {
	out := model.SelectedSeen{At: c.now()}
	body, err := c.do(ctx, call{method: http.MethodGet, path: corePath(namespace, "pods", ""),
		query: url.Values{"labelSelector": {selector}, "limit": {fmt.Sprint(selectedMost)}}})
	if err != nil {
		out.Err = because(err)
		if apierrors.IsForbidden(err) {
			out.Forbidden, out.Err = true, "you may not list pods in "+namespace
		}
		return out
	}
	var list struct {
		Metadata struct{ Continue string }
		Items    []struct {
			Metadata struct{ DeletionTimestamp *string }
			Status   struct {
				Phase      string
				Conditions []struct{ Type, Status string }
			}
		}
	}
	if err := json.Unmarshal(body, &list); err != nil {
		out.Err = "the answer cannot be read: " + words(err)
		return out
	}
	if list.Metadata.Continue != "" {
		out.Err = fmt.Sprintf("more than %d pods have these labels", selectedMost)
		return out
	}
	for _, p := range list.Items {
		if p.Metadata.DeletionTimestamp != nil || p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed" {
			continue
		}
		out.Total++
		for _, k := range p.Status.Conditions {
			if k.Type == "Ready" && k.Status == "True" {
				out.Ready++
			}
		}
	}
	return out
}
