package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
	"rollbook/text"
)

// identify finds out who is asking which cluster, and tries again until it
// knows. told is called with each part as it becomes known.
func (c *Client) identify(ctx context.Context, told func(func(*model.Identity))) {
	steps := []func(context.Context) (func(*model.Identity), error){c.whoami, c.which, c.version}
	done := make([]bool, len(steps))
	for left, wait := len(steps), time.Second; left > 0; wait = min(2*wait, 30*time.Second) {
		for i, step := range steps {
			if done[i] {
				continue
			}
			set, err := step(ctx)
			if set != nil {
				told(set)
			}
			if err == nil {
				done[i] = true
				left--
			}
			if ctx.Err() != nil {
				return
			}
		}
		if left == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// whoami asks by a SelfSubjectReview (API servers since 1.28).
func (c *Client) whoami(ctx context.Context) (func(*model.Identity), error) {
	body, err := c.do(ctx, call{method: http.MethodPost, path: "/apis/authentication.k8s.io/v1/selfsubjectreviews", kind: "application/json", want: "SelfSubjectReview",
		body: []byte(`{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`)})
	if err != nil {
		why := because(err)
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
			err = nil // it will not change its mind
		}
		return func(id *model.Identity) { id.UserWhy = why }, err
	}
	var review struct {
		Status struct {
			UserInfo struct{ Username string }
		}
	}
	user := ""
	if json.Unmarshal(body, &review) == nil {
		user = text.Line(review.Status.UserInfo.Username)
	}
	if user == "" {
		return func(id *model.Identity) { id.UserWhy = "the API server's answer names nobody" }, nil
	}
	return func(id *model.Identity) { id.User, id.UserWhy = user, "" }, nil
}

// which is the UID of kube-system, which every cluster has and keeps.
func (c *Client) which(ctx context.Context) (func(*model.Identity), error) {
	body, err := c.do(ctx, call{method: http.MethodGet, path: corePath("", "namespaces", "kube-system"), accept: partial})
	id := c.serverHash()
	switch {
	case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
	case err != nil:
		return nil, err
	default:
		var o struct{ Metadata struct{ UID string } }
		if json.Unmarshal(body, &o) == nil && o.Metadata.UID != "" {
			id = text.Line(o.Metadata.UID)
		}
	}
	return func(i *model.Identity) { i.Cluster = id }, nil
}

func (c *Client) version(ctx context.Context) (func(*model.Identity), error) {
	body, err := c.do(ctx, call{method: http.MethodGet, path: "/version"})
	if err != nil {
		if apierrors.IsForbidden(err) {
			return nil, nil
		}
		return nil, err
	}
	var v struct{ GitVersion string }
	_ = json.Unmarshal(body, &v) // not known is a version too
	return func(i *model.Identity) { i.Version = text.Line(v.GitVersion) }, nil
}

// partial asks for an object's metadata alone.
const partial = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
