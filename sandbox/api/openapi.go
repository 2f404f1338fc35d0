package api

import (
	"net/http"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// openapi serves as much of the API's description as `kubectl apply` asks for:
// that each kind can be patched with dryRun and fieldValidation. There are no
// schemas, so `kubectl explain` has nothing to explain.
func (c *call) openapi(path string) error {
	if path == "/openapi/v3" {
		paths := map[string]any{}
		for gv := range c.discovery.resources {
			p := openapiPath(gv)
			paths[p] = map[string]string{"serverRelativeURL": "/openapi/v3/" + p + "?hash=" + strings.ReplaceAll(Version, ".", "")}
		}
		return c.json(http.StatusOK, map[string]any{"paths": paths})
	}
	for gv := range c.discovery.resources {
		if path == "/openapi/v3/"+openapiPath(gv) {
			return c.json(http.StatusOK, describe(gv))
		}
	}
	return notServed()
}

// swaggerType is what the older description is answered as. Clients ask for it with an
// @, which no media type may have.
const swaggerType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

// openapiV2 serves the older description, without any type in it: kubectl asks for it
// when it applies a List, and checks what it knows of the types in there.
func (c *call) openapiV2() error {
	if !strings.Contains(c.r.Header.Get("Accept"), "proto-openapi") {
		return c.json(http.StatusOK, map[string]any{"swagger": "2.0", "info": map[string]string{"title": "Kubernetes", "version": Version},
			"paths": map[string]any{}, "definitions": map[string]any{}})
	}
	body := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "2.0")
	c.w.Header().Set("Content-Type", swaggerType)
	c.w.WriteHeader(http.StatusOK)
	c.stream = true
	_, _ = c.w.Write(body)
	return nil
}

func openapiPath(gv schema.GroupVersion) string {
	if gv.Group == "" {
		return "api/" + gv.Version
	}
	return "apis/" + gv.String()
}

func describe(gv schema.GroupVersion) any {
	paths := map[string]any{}
	for _, k := range kinds {
		if k.GV() != gv {
			continue
		}
		p := "/" + openapiPath(gv)
		if k.Namespaced {
			p += "/namespaces/{namespace}"
		}
		gvk := map[string]string{"group": k.Group, "version": k.Version, "kind": k.Kind}
		params := []string{"dryRun", "fieldManager", "fieldValidation"}
		paths[p+"/"+k.Plural] = map[string]any{
			"get":  operation("list", gvk, nil),
			"post": operation("post", gvk, params),
		}
		paths[p+"/"+k.Plural+"/{name}"] = map[string]any{
			"get":    operation("get", gvk, nil),
			"put":    operation("put", gvk, params),
			"patch":  operation("patch", gvk, append(params, "force")),
			"delete": operation("delete", gvk, []string{"dryRun", "gracePeriodSeconds", "propagationPolicy"}),
		}
	}
	return map[string]any{"openapi": "3.0.0", "info": map[string]string{"title": "Kubernetes", "version": Version}, "paths": paths,
		"components": map[string]any{"schemas": map[string]any{}}}
}

func operation(action string, gvk map[string]string, params []string) any {
	all := []any{}
	for _, p := range params {
		all = append(all, map[string]any{"name": p, "in": "query", "schema": map[string]any{"type": "string", "uniqueItems": true}})
	}
	return map[string]any{"x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk, "parameters": all,
		"responses": map[string]any{"200": map[string]string{"description": "OK"}}}
}
