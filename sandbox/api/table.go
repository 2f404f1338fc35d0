package api

import (
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
)

// printer makes the rows that `kubectl get` shows of a kind; the columns are
// the API server's.
type printer struct {
	columns []metav1.TableColumnDefinition
	row     func(p *ages, o runtime.Object) []any
}

// table is a list as `kubectl get` prints it.
func (c *call) table(items []*unstructured.Unstructured, m metav1.ListMeta) (*metav1.Table, error) {
	include := metav1.IncludeObjectPolicy(c.r.URL.Query().Get("includeObject"))
	switch include {
	case "", metav1.IncludeMetadata, metav1.IncludeNone, metav1.IncludeObject:
	default:
		return nil, apierrors.NewGenericServerResponse(http.StatusBadRequest, "", noResource, "", "unrecognized includeObject value: "+string(include), 0, true)
	}
	p, ok := printers[c.kind.Kind]
	if !ok {
		p = plain
	}
	t := &metav1.Table{TypeMeta: metav1.TypeMeta{Kind: "Table", APIVersion: "meta.k8s.io/v1"}, ListMeta: m, ColumnDefinitions: p.columns, Rows: []metav1.TableRow{}}
	a := &ages{now: c.Now()}
	for _, o := range items {
		core, err := c.kind.stored(o) // events of the other group have the core ones' rows
		if err != nil {
			return nil, err
		}
		obj, err := typed(core)
		if err != nil {
			return nil, err
		}
		row := metav1.TableRow{Cells: p.row(a, obj)}
		switch include {
		case metav1.IncludeObject:
			row.Object.Object = o
		case metav1.IncludeNone:
		default:
			row.Object.Object = partial(o)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// ages says how old things are.
type ages struct{ now time.Time }

func (a *ages) of(t metav1.Time) string {
	if t.IsZero() {
		return "<unknown>"
	}
	return duration.HumanDuration(a.now.Sub(t.Time))
}

func (a *ages) micro(t metav1.MicroTime) string { return a.of(metav1.NewTime(t.Time)) }

// Columns by their name and type; `wide` are those of -o wide.

func text(name string) metav1.TableColumnDefinition {
	d := metav1.TableColumnDefinition{Name: name, Type: "string"}
	if name == "Name" {
		d.Format = "name"
	}
	return d
}

func number(name string) metav1.TableColumnDefinition {
	return metav1.TableColumnDefinition{Name: name, Type: "integer"}
}

func wide(name string) metav1.TableColumnDefinition {
	d := text(name)
	d.Priority = 1
	return d
}

func columns(all ...metav1.TableColumnDefinition) []metav1.TableColumnDefinition { return all }

// plain is for kinds without a printer of their own.
var plain = printer{columns(text("Name"), text("Age")), func(a *ages, o runtime.Object) []any {
	acc, ok := o.(metav1.Object)
	if !ok {
		return []any{"", ""}
	}
	return []any{acc.GetName(), a.of(acc.GetCreationTimestamp())}
}}

// rows makes a printer of a function over the Go type.
func rows[T runtime.Object](cols []metav1.TableColumnDefinition, f func(*ages, T) []any) printer {
	return printer{cols, func(a *ages, o runtime.Object) []any {
		t, ok := o.(T)
		if !ok {
			return make([]any, len(cols))
		}
		return f(a, t)
	}}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
